#include "conformance/objects.hpp"

#include "conformance/values.hpp"

#include <map>
#include <string>

namespace conformance {

namespace {

using maker = void (*)(object& o, const json& description);

template <class T>
void plain(object& o, const json&) {
    o.emplace<T>();
}
template <class T>
void of_value(object& o, const json& description) {
    o.emplace<T>(description.at("value").get<std::ptrdiff_t>());
}
template <class T>
void of_size(object& o, const json& description) {
    o.emplace<T>(description.value("maxsize", std::size_t{0}));
}
void of_parties(object& o, const json& description) {
    o.emplace<brio::barrier>(description.at("parties").get<std::size_t>());
}
void of_default(object& o, const json& description) {
    o.emplace<brio::context_var<number>>("v", description.at("default").get<number>());
}

}  // namespace

void construct(object& o, const json& description) {
    static const std::map<std::string, maker> makers = {
        {"lock", plain<brio::lock>},
        {"event", plain<brio::event>},
        {"condition", plain<brio::condition>},
        {"semaphore", of_value<brio::semaphore>},
        {"bounded_semaphore", of_value<brio::bounded_semaphore>},
        {"barrier", of_parties},
        {"queue", of_size<brio::queue<number>>},
        {"lifo_queue", of_size<brio::lifo_queue<number>>},
        {"priority_queue", of_size<brio::priority_queue<number>>},
        {"context_var", of_default},
    };
    const std::string kind = description.at("kind");
    const auto found = makers.find(kind);
    if (found == makers.end()) throw unsupported{"object " + kind};
    found->second(o, description);
}

void release_if_held(object& o) {
    if (auto* const lock = std::get_if<brio::lock>(&o); lock != nullptr && lock->locked())
        lock->release();
    if (auto* const c = std::get_if<brio::condition>(&o); c != nullptr && c->locked()) c->release();
}

}  // namespace conformance

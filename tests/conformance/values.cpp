#include "conformance/values.hpp"

#include <brio/error.hpp>
#include <brio/exception_group.hpp>

#include <stdexcept>

namespace conformance {

namespace {

struct described {
    std::string type;  // asyncio's name
    std::string text;
};

described plain(const char* type) {
    return {type, type};
}

described describe(const brio::exception_group& group) {
    std::string text;
    for (const auto& error : group.exceptions()) {
        text += text.empty() ? "" : ", ";
        text += conformance::text(error);
    }
    return {"ExceptionGroup", "ExceptionGroup[" + text + "]"};
}

described describe(const brio::cancelled_error& error) {
    const auto& message = error.message();
    return {"CancelledError", message ? "CancelledError(" + *message + ")" : "CancelledError"};
}

described describe(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const user_error& e) {
        return {e.kind, e.kind + "(" + e.message + ")"};
    } catch (const brio::cancelled_error& e) {
        return describe(e);
    } catch (const brio::exception_group& e) {
        return describe(e);
    } catch (const brio::timeout_error&) {
        return plain("TimeoutError");
    } catch (const brio::usage_error&) {
        return plain("RuntimeError");
    } catch (const brio::invalid_state_error&) {
        return plain("InvalidStateError");
    } catch (const brio::broken_barrier_error&) {
        return plain("BrokenBarrierError");
    } catch (const brio::queue_empty&) {
        return plain("QueueEmpty");
    } catch (const brio::queue_full&) {
        return plain("QueueFull");
    } catch (const brio::queue_shut_down&) {
        return plain("QueueShutDown");
    } catch (const std::invalid_argument&) {
        return plain("ValueError");
    } catch (const unsupported& e) {
        return {"unsupported", "unsupported: " + e.what};
    } catch (const std::exception& e) {
        return {"std::exception", std::string("std::exception: ") + e.what()};
    }
}

struct printer {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(const std::exception_ptr& error) const { return text(error); }
    std::string operator()(const list& items) const {
        std::string all;
        for (const auto& item : items) {
            all += all.empty() ? "" : ", ";
            all += text(item);
        }
        return "[" + all + "]";
    }
};

}  // namespace

std::string text(const value& v) {
    return std::visit(printer{}, v.content);
}
std::string text(const std::exception_ptr& error) {
    return describe(error).text;
}
std::string_view text(bool b) {
    return b ? "True" : "False";
}

bool is_a(const std::exception_ptr& error, std::string_view kind) {
    const std::string type = describe(error).type;
    if (type == "unsupported") return false;
    if (kind == "BaseException" || kind == type) return true;
    if (kind == "RuntimeError") return type == "BrokenBarrierError";
    return kind == "Exception" && type != "CancelledError";
}

}  // namespace conformance

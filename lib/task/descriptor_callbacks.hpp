#pragma once
// add_reader and add_writer: a callback for each descriptor and direction, called once a turn while
// the descriptor is ready, as asyncio's selector loop has it.
//
// Each is an entry with a poll operation:
//
//   watching (the reactor has the operation) -> due (in the ready queue) -> called -> watching
//
// 1. One that is removed leaves the table at once and will not be called. It is deleted where it has
//    come to rest: when its operation completes, or when its turn has come.
// 2. So the reactor never has an operation whose entry is gone. A loop that closes removes all first.

#include <brio/event_loop.hpp>

#include <map>
#include <memory>
#include <utility>

namespace brio::inline v0::detail {

class descriptor_callbacks {
public:
    enum class direction : bool { read, write };

    explicit descriptor_callbacks(loop_core& loop) noexcept : loop_(loop) {}
    descriptor_callbacks(const descriptor_callbacks&) = delete;
    descriptor_callbacks& operator=(const descriptor_callbacks&) = delete;
    ~descriptor_callbacks() { remove_all(); }

    /// Replaces the one that is there. Throws std::system_error without a reactor.
    void set(int fd, direction d, std::unique_ptr<callback_body> body);
    /// False when there is none.
    bool remove(int fd, direction d) noexcept;
    void remove_all() noexcept;

private:
    class entry;
    using key = std::pair<int, direction>;

    loop_core& loop_;
    std::map<key, entry*> entries_;
};

}  // namespace brio::inline v0::detail

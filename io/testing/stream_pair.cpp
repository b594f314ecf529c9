// Two connections joined in memory.

#include "net/failure.hpp"
#include "stream/make_stream.hpp"
#include "stream/stream_core.hpp"
#include "sync/waiter.hpp"

#include <brio/testing_stream.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace brio::inline v0 {
namespace detail {

namespace {

/// One direction.
struct memory_pipe {
    explicit memory_pipe(std::size_t most) : capacity(std::max<std::size_t>(most, 1)) {}

    std::size_t capacity;
    std::string bytes = {};
    bool ended = false;   // nobody writes any more
    bool broken = false;  // nobody reads any more
    waiter_list readers{"read"};
    waiter_list writers{"write"};

    void end() noexcept {
        ended = true;
        readers.wake_all();
        writers.wake_all();
    }
    void break_off() noexcept {
        broken = true;
        readers.wake_all();
        writers.wake_all();
    }
};

class memory_channel final : public byte_channel {
public:
    memory_channel(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out) noexcept
        : in_(std::move(in)), out_(std::move(out)) {}
    ~memory_channel() override { end(); }

    std::size_t read(bytes_out out) override {
        const std::shared_ptr<memory_pipe> in = in_;
        while (in->bytes.empty() && !in->ended && !in->broken)
            waiter(in->readers, in->readers.bind("read")).wait();
        if (in->broken) return 0;
        const std::size_t count = in->bytes.copy(static_cast<char*>(out.data()), out.size());
        in->bytes.erase(0, count);
        in->writers.wake_all();
        return count;
    }
    std::size_t write(bytes_view data) override {
        const std::shared_ptr<memory_pipe> out = out_;
        for (;;) {
            if (const std::size_t count = try_write(data)) return count;
            waiter(out->writers, out->writers.bind("write")).wait();
        }
    }
    std::size_t try_write(bytes_view data) override {
        static const std::string peer = "the other end";
        if (out_->ended || out_->broken) throw_io_error(EPIPE, "write to", peer);
        const std::size_t count = std::min(data.size(), out_->capacity - out_->bytes.size());
        out_->bytes.append(static_cast<const char*>(data.data()), count);
        if (count > 0) out_->readers.wake_all();
        return count;
    }
    [[nodiscard]] bool can_write_eof() const noexcept override { return true; }
    [[nodiscard]] bool ends_at_once() const noexcept override { return true; }
    void write_eof() override { out_->end(); }
    void close() override { end(); }
    void abort() noexcept override { end(); }
    [[nodiscard]] int descriptor() const noexcept override { return -1; }
    [[nodiscard]] std::string extra_info(std::string_view) const override { return {}; }

private:
    void end() noexcept {
        out_->end();
        in_->break_off();
    }

    std::shared_ptr<memory_pipe> in_;
    std::shared_ptr<memory_pipe> out_;
};

}  // namespace
}  // namespace detail

testing::connection_pair testing::stream_pair(std::size_t capacity, const stream_options& options) {
    using detail::memory_channel;
    using detail::memory_pipe;
    const auto there = std::make_shared<memory_pipe>(capacity);
    const auto back = std::make_shared<memory_pipe>(capacity);
    connection first = detail::make_connection(new memory_channel(back, there), options);
    detail::stream_core& second =
        detail::make_stream(new memory_channel(there, back), {options.limit, options.high_water});
    second.take_server_side();
    return {std::move(first), detail::halves_of(second)};
}

}  // namespace brio::inline v0

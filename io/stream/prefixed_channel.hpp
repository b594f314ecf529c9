#pragma once
// A channel in front of which bytes stand that were read from it already.

#include <brio/detail/byte_channel.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace brio::inline v0::detail {

class prefixed_channel final : public byte_channel {
public:
    prefixed_channel(std::string unread, byte_channel* owned) noexcept
        : unread_(std::move(unread)), rest_(owned) {}

    std::size_t read(bytes_out out) override {
        if (given_ == unread_.size()) return rest_->read(out);
        const std::size_t count = std::min(out.size(), unread_.size() - given_);
        std::memcpy(out.data(), unread_.data() + given_, count);
        given_ += count;
        return count;
    }
    std::size_t write(bytes_view data) override { return rest_->write(data); }
    std::size_t try_write(bytes_view data) override { return rest_->try_write(data); }
    [[nodiscard]] bool can_write_eof() const noexcept override { return rest_->can_write_eof(); }
    [[nodiscard]] bool ends_at_once() const noexcept override { return rest_->ends_at_once(); }
    void write_eof() override { rest_->write_eof(); }
    void close() override { rest_->close(); }
    void abort() noexcept override { rest_->abort(); }
    [[nodiscard]] int descriptor() const noexcept override { return rest_->descriptor(); }
    [[nodiscard]] std::string extra_info(std::string_view name) const override {
        return rest_->extra_info(name);
    }

private:
    std::string unread_;
    std::size_t given_ = 0;
    std::unique_ptr<byte_channel> rest_;
};

}  // namespace brio::inline v0::detail

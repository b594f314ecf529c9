// The public shells of streams, and what makes them.

#include "stream/make_stream.hpp"
#include "stream/stream_core.hpp"

#include <brio/error.hpp>
#include <brio/stream.hpp>

#include <array>
#include <memory>
#include <stdexcept>

namespace brio::inline v0 {

namespace {
detail::stream_core& usable(detail::stream_core* core, const char* call) {
    if (core == nullptr)
        throw usage_error("the stream that " + std::string(call) +
                          "() is called on was moved from");
    core->require_thread(call);
    return *core;
}
}  // namespace

// ------------------------------------------------------------------------------------------ reader

stream_reader::~stream_reader() {
    if (core_ != nullptr) core_->release();
}

detail::stream_core& stream_reader::core(const char* call) const {
    return usable(core_, call);
}

std::string stream_reader::read(std::size_t n) {
    return core("read").read(n);
}
std::string stream_reader::read() {
    return core("read").read_all();
}
std::size_t stream_reader::read_into(bytes_out out) {
    return core("read_into").read_into(out);
}
std::string stream_reader::readline() {
    return core("readline").readline();
}
std::string stream_reader::readexactly(std::size_t n) {
    return core("readexactly").readexactly(n);
}
std::string stream_reader::readuntil(std::string_view separator) {
    return core("readuntil").readuntil(std::array{separator});
}
std::string stream_reader::readuntil(std::initializer_list<std::string_view> separators) {
    return core("readuntil").readuntil(separators);
}
std::string stream_reader::readuntil(const std::vector<std::string>& separators) {
    return core("readuntil")
        .readuntil(std::vector<std::string_view>(separators.begin(), separators.end()));
}
bool stream_reader::at_eof() const {
    return core("at_eof").at_eof();
}
std::exception_ptr stream_reader::exception() const {
    return core("exception").error();
}

// ------------------------------------------------------------------------------------------ writer

stream_writer::~stream_writer() {
    if (core_ == nullptr) return;
    core_->close();
    core_->release();
}

detail::stream_core& stream_writer::core(const char* call) const {
    return usable(core_, call);
}

void stream_writer::write(bytes_view data) {
    core("write").write(data);
}
void stream_writer::drain() {
    core("drain").drain();
}
void stream_writer::set_write_buffer_limits(std::size_t high, std::optional<std::size_t> low) {
    core("set_write_buffer_limits").set_write_buffer_limits(high, low);
}
std::size_t stream_writer::get_write_buffer_size() const {
    return core("get_write_buffer_size").unsent();
}
void stream_writer::write_eof() {
    core("write_eof").write_eof();
}
bool stream_writer::can_write_eof() const {
    return core("can_write_eof").can_write_eof();
}
void stream_writer::close() {
    core("close").close();
}
void stream_writer::abort() {
    core("abort").abort();
}
void stream_writer::wait_closed() {
    core("wait_closed").wait_closed();
}
bool stream_writer::is_closing() const {
    return core("is_closing").is_closing();
}
std::string stream_writer::get_extra_info(std::string_view name) const {
    return core("get_extra_info").extra_info(name);
}
int stream_writer::native_handle() const {
    return core("native_handle").descriptor();
}
void stream_writer::start_tls(const detail::channel_layer& tls, std::string_view server_hostname) {
    core("start_tls").start_tls(tls, server_hostname);
}

// ---------------------------------------------------------------------------------------- makers

namespace detail {

stream_core& make_stream(byte_channel* owned, stream_limits limits) {
    std::unique_ptr<byte_channel> channel(owned);
    loop_core& loop = require_loop("a stream");
    if (limits.line == 0) throw std::invalid_argument("a stream's limit is 0");
    auto* const core = new stream_core(loop, channel.get(), limits);
    (void)channel.release();
    return *core;
}

connection halves_of(stream_core& core) noexcept {
    core.retain();
    return {stream_reader(&core), stream_writer(&core)};
}

namespace {
const stream_options defaults;
}

stream_reader make_reader(byte_channel* owned, std::size_t limit) {
    return stream_reader(&make_stream(owned, {limit, defaults.high_water}));
}

stream_writer make_writer(byte_channel* owned, std::size_t high_water) {
    stream_core& core = make_stream(owned, {defaults.limit, high_water});
    core.take_only_writes();
    return stream_writer(&core);
}

connection make_connection(byte_channel* owned, const stream_options& options) {
    return halves_of(make_stream(owned, {options.limit, options.high_water}));
}

}  // namespace detail
}  // namespace brio::inline v0

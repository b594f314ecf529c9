// The public face of child processes: a record of io/process, and streams on its pipes.

#include "net/failure.hpp"
#include "process/child.hpp"
#include "process/standard_streams.hpp"
#include "scheduler/park.hpp"
#include "stream/make_stream.hpp"

#include <brio/error.hpp>
#include <brio/gather.hpp>
#include <brio/subprocess.hpp>

#include <cerrno>
#include <csignal>
#include <system_error>

namespace brio::inline v0 {

namespace {

std::optional<stream_reader> reader_of(io::descriptor end, std::size_t limit) {
    if (end.get() < 0) return {};
    return detail::make_reader(detail::make_pipe_channel(std::move(end)), limit);
}

std::optional<stream_writer> writer_of(io::descriptor end) {
    if (end.get() < 0) return {};
    return detail::make_writer(detail::make_pipe_channel(std::move(end)),
                               stream_options().high_water);
}

/// Suspends until all is sent. A child that did not want it is no error.
void wait_until_sent(stream_writer& to) {
    try {
        to.wait_closed();
    } catch (const std::system_error& e) {
        if (e.code() != std::errc::broken_pipe && e.code() != std::errc::connection_reset) throw;
    }
}

}  // namespace

subprocess::process create_subprocess_exec(const std::vector<std::string>& arguments,
                                           const subprocess::options& how) {
    detail::require_scheduler("create_subprocess_exec");
    if (detail::fiber* const self = detail::this_fiber()) detail::deliver_cancel(*self);
    detail::standard_streams streams(how);
    auto in = writer_of(std::move(streams.ours[0]));
    auto out = reader_of(std::move(streams.ours[1]), how.limit);
    auto err = reader_of(std::move(streams.ours[2]), how.limit);
    return {detail::child::start(arguments, how, streams).release(), std::move(in), std::move(out),
            std::move(err)};
}

subprocess::process create_subprocess_shell(std::string_view command,
                                            const subprocess::options& how) {
    return create_subprocess_exec({"/bin/sh", "-c", std::string(command)}, how);
}

namespace subprocess {

process::~process() {
    if (child_ != nullptr) detail::child::leave()(child_);
}

detail::child& process::child(const char* call) const {
    if (child_ == nullptr) detail::throw_closed(call);
    return *child_;
}

pid_t process::pid() const {
    return child("process::pid").pid();
}

std::optional<int> process::returncode() const {
    return child("process::returncode").returncode();
}

int process::wait() {
    return child("process::wait").wait();
}

process::output process::communicate(bytes_view input) {
    detail::child& running = child("process::communicate");
    if (stdin) {
        stdin->write(input);
        stdin->close();
    } else if (input.size() > 0) {
        throw usage_error("process::communicate: there is input, but stdin is not a pipe");
    }
    const auto collect = [](std::optional<stream_reader>& from, std::string& to) {
        return [&from, &to] {
            if (from) to += from->read();
        };
    };
    // Cancelled while the other still reads, neither loses what it has.
    const auto [out, err] = gather(return_exceptions, collect(stdout, collected_.stdout),
                                   collect(stderr, collected_.stderr))
                                .await();
    out.value();
    err.value();
    if (stdin) wait_until_sent(*stdin);
    running.wait();
    return std::exchange(collected_, {});
}

void process::send_signal(int number) {
    child("process::send_signal").send_signal(number);
}

void process::terminate() {
    child("process::terminate").send_signal(SIGTERM);
}

void process::kill() {
    child("process::kill").send_signal(SIGKILL);
}

}  // namespace subprocess
}  // namespace brio::inline v0

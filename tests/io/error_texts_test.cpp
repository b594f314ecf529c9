// The texts of misuse that sockets, files and the choice of a reactor have, in full. docs/errors.md
// lists them with the remedy.

#include "task/story.hpp"

#include <brio/io/datagram.hpp>
#include <brio/io/file.hpp>
#include <brio/io/filesystem.hpp>
#include <brio/io/pipe.hpp>
#include <brio/io/sendfile.hpp>
#include <brio/io/socket.hpp>

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <unistd.h>

namespace {

using namespace story;
namespace io = brio::io;

using misuses = std::vector<std::function<void()>>;

template <class E>
lines texts_of(const misuses& calls) {
    lines all;
    for (const auto& call : calls) all.push_back(text_of<E>(call));
    return all;
}

std::array<char, 8> room;

}  // namespace

TEST(error_texts, of_what_is_closed_name_the_call) {
    brio::run([] {
        io::tcp_stream stream{io::descriptor()};
        io::tcp_listener tcp("127.0.0.1", 0);
        io::unix_listener local(std::string("\0brio-error-texts", 17));
        io::file file{io::descriptor()};
        io::pipe_reader reader{io::descriptor()};
        io::pipe_writer writer{io::descriptor()};
        io::udp_socket udp{io::descriptor()};
        tcp.close();
        local.close();
        const lines seen = texts_of<brio::usage_error>({
            [&] { static_cast<void>(stream.read(room)); },
            [&] { stream.write("x"); },
            [&] { static_cast<void>(stream.write_some("x")); },
            [&] { stream.shutdown_write(); },
            [&] { static_cast<void>(stream.sockname()); },
            [&] { static_cast<void>(stream.peername()); },
            [&] { stream.set_nodelay(true); },
            [&] { stream.set_keepalive(true); },
            [&] { static_cast<void>(tcp.accept()); },
            [&] { static_cast<void>(tcp.port()); },
            [&] { static_cast<void>(tcp.sockname()); },
            [&] { static_cast<void>(local.accept()); },
            [&] { static_cast<void>(file.read(room)); },
            [&] { static_cast<void>(file.read_all()); },
            [&] { static_cast<void>(file.read_at(room, 0)); },
            [&] { file.write("x"); },
            [&] { file.write_at("x", 0); },
            [&] { static_cast<void>(file.size()); },
            [&] { file.sync(); },
            [&] { file.datasync(); },
            [&] { file.truncate(0); },
            [&] { static_cast<void>(file.stat()); },
            [&] { static_cast<void>(file.position()); },
            [&] { file.seek(0); },
            [&] { io::copy(file, file); },
            [&] { io::sendfile(stream, file); },
            [&] { static_cast<void>(reader.read(room)); },
            [&] { writer.write("x"); },
            [&] { static_cast<void>(udp.receive(room)); },
            [&] { udp.send("x"); },
            [&] { udp.send_to("x", io::endpoint()); },
            [&] { static_cast<void>(udp.sockname()); },
            [&] { static_cast<void>(udp.peername()); },
        });
        EXPECT_THAT(seen,
                    ElementsAre("stream_socket::read: it is closed, or was moved from",
                                "stream_socket::write: it is closed, or was moved from",
                                "stream_socket::write: it is closed, or was moved from",
                                "stream_socket::shutdown_write: it is closed, or was moved from",
                                "stream_socket::sockname: it is closed, or was moved from",
                                "stream_socket::peername: it is closed, or was moved from",
                                "tcp_stream::set_nodelay: it is closed, or was moved from",
                                "tcp_stream::set_keepalive: it is closed, or was moved from",
                                "tcp_listener::accept: it is closed, or was moved from",
                                "tcp_listener::port: it is closed, or was moved from",
                                "tcp_listener::sockname: it is closed, or was moved from",
                                "unix_listener::accept: it is closed, or was moved from",
                                "file::read: it is closed, or was moved from",
                                "file::read: it is closed, or was moved from",
                                "file::read_at: it is closed, or was moved from",
                                "file::write: it is closed, or was moved from",
                                "file::write_at: it is closed, or was moved from",
                                "file::size: it is closed, or was moved from",
                                "file::sync: it is closed, or was moved from",
                                "file::datasync: it is closed, or was moved from",
                                "file::truncate: it is closed, or was moved from",
                                "file::stat: it is closed, or was moved from",
                                "file::position: it is closed, or was moved from",
                                "file::seek: it is closed, or was moved from",
                                "copy: it is closed, or was moved from",
                                "sendfile: it is closed, or was moved from",
                                "pipe_reader::read: it is closed, or was moved from",
                                "pipe_writer::write: it is closed, or was moved from",
                                "datagram_socket::receive: it is closed, or was moved from",
                                "datagram_socket::send: it is closed, or was moved from",
                                "datagram_socket::send_to: it is closed, or was moved from",
                                "datagram_socket::sockname: it is closed, or was moved from",
                                "datagram_socket::peername: it is closed, or was moved from"));
    });
}

TEST(error_texts, of_wrong_names_and_paths) {
    brio::run([] {
        const std::string too_long(108, 'p'), zero("a\0b", 3);
        const lines seen = texts_of<std::invalid_argument>({
            [] { io::tcp_listener("no.number", 0); },
            [] { static_cast<void>(io::unix_stream::connect("")); },
            [&] { static_cast<void>(io::unix_listener(too_long)); },
            [] { io::endpoint("no.number", 0); },
            [&] { static_cast<void>(io::file::open(zero, O_RDONLY)); },
            [&] { static_cast<void>(io::pipe_reader::open(zero)); },
            [&] { static_cast<void>(io::pipe_writer::open(zero)); },
            [&] { static_cast<void>(io::stat(zero)); },
            [&] { static_cast<void>(io::lstat(zero)); },
            [&] { io::rename(zero, "b"); },
            [&] { io::rename("a", zero); },
            [&] { io::unlink(zero); },
            [&] { io::mkdir(zero); },
            [&] { io::rmdir(zero); },
            [&] { static_cast<void>(io::scandir(zero)); },
        });
        EXPECT_THAT(
            seen,
            ElementsAre(
                "tcp_listener: not a numeric address: no.number", "a unix socket's path is empty",
                "a unix socket's path is longer than the system allows: " + too_long,
                "endpoint: not a numeric address: no.number",
                "file::open: the path has a 0 byte in it",
                "pipe_reader::open: the path has a 0 byte in it",
                "pipe_writer::open: the path has a 0 byte in it",
                "stat: the path has a 0 byte in it", "lstat: the path has a 0 byte in it",
                "rename: the path has a 0 byte in it", "rename: the path has a 0 byte in it",
                "unlink: the path has a 0 byte in it", "mkdir: the path has a 0 byte in it",
                "rmdir: the path has a 0 byte in it", "scandir: the path has a 0 byte in it"));
    });
}

TEST(error_texts, outside_a_task_name_the_system_call) {
    const std::string remedy =
        " suspends, so it must be called in a task: start it with brio::run or brio::create_task";
    io::tcp_listener listener("127.0.0.1", 0);
    auto udp = io::udp_socket::bind("127.0.0.1", 0);
    io::file null{io::descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC))};
    io::tcp_stream stream{io::descriptor(::dup(listener.native_handle()))};
    const lines seen = texts_of<brio::usage_error>({
        [&] { static_cast<void>(listener.accept()); },
        [&] { static_cast<void>(io::tcp_stream::connect("127.0.0.1", listener.port())); },
        [] { static_cast<void>(io::tcp_stream::connect("localhost", 1)); },
        [] { static_cast<void>(io::file::open("/dev/null", O_RDONLY)); },
        [] { io::rename("a", "b"); },
        [] { io::rmdir("a"); },
        [] { io::mkdir("a"); },
        [] { static_cast<void>(io::scandir("a")); },
        [&] { null.truncate(0); },
        [&] { io::copy(null, null); },
        [&] { io::sendfile(stream, null); },
        [] { io::pipe().writer.write("x"); },
        [&] { static_cast<void>(udp.receive(room)); },
        [&] { udp.send("x"); },
    });
    EXPECT_THAT(seen, ElementsAre("accept" + remedy, "connect" + remedy, "getaddrinfo" + remedy,
                                  "openat" + remedy, "renameat" + remedy, "unlinkat" + remedy,
                                  "mkdirat" + remedy, "scandir" + remedy, "ftruncate" + remedy,
                                  "copy_file_range" + remedy, "splice" + remedy, "poll" + remedy,
                                  "recvmsg" + remedy, "sendmsg" + remedy));
}

TEST(error_texts, of_the_kernel_name_call_and_object) {
    brio::run([] {
        const lines seen = texts_of<std::system_error>({
            [] { static_cast<void>(io::file::open("/no/such/file", O_RDONLY)); },
            [] { static_cast<void>(io::unix_stream::connect("/no/such/socket")); },
            [] { static_cast<void>(io::unix_listener("/no/such/folder")); },
        });
        EXPECT_THAT(seen, ElementsAre("open /no/such/file: No such file or directory",
                                      "connect to /no/such/socket: No such file or directory",
                                      "bind to /no/such/folder: No such file or directory"));
    });
}

TEST(error_texts, of_an_unknown_reactor) {
    const char* const value = std::getenv("BRIO_REACTOR");
    const std::optional<std::string> before =
        value != nullptr ? std::optional<std::string>(value) : std::nullopt;
    ::setenv("BRIO_REACTOR", "kqueue", 1);
    EXPECT_EQ(text_of<std::invalid_argument>([] { brio::run([] {}); }),
              "BRIO_REACTOR is 'kqueue'; it may be io_uring or epoll");
    before ? ::setenv("BRIO_REACTOR", before->c_str(), 1) : ::unsetenv("BRIO_REACTOR");
}

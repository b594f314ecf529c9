#define _GNU_SOURCE
#include "posix/blocking_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int fcntl64(int, int, ...);

/* What _FORTIFY_SOURCE makes of calls; no header declares them without it. */
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, struct sockaddr*, socklen_t*);
ssize_t __pread_chk(int, void*, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void*, size_t, off64_t, size_t);
int __poll(struct pollfd*, nfds_t, int);
int __poll_chk(struct pollfd*, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd*, nfds_t, const struct timespec*, const sigset_t*, size_t);

static void must(int holds, const char* what) {
    if (holds) return;
    perror(what);
    abort();
}

void begin_scene(struct scene* s) {
    memset(s, 0, sizeof *s);
    s->fd = s->peer = s->more[0] = s->more[1] = -1;
    s->buffer = calloc(1, big_size);
    must(s->buffer != NULL, "calloc");
}

void clear_scene(struct scene* s) {
    if (s->thread_runs) { /* else it would read from whatever gets the number next */
        must(write(s->peer, "x", 1) == 1, "write");
        pthread_join(s->thread, NULL);
    }
    if (s->child != 0) {
        must(write(s->peer, "x", 1) == 1, "write");
        waitpid(s->child, NULL, 0);
    }
    if (s->stream != NULL) {
        must(write(s->peer, "x\n", 2) == 2, "write");
        pclose(s->stream);
    }
    if (s->file != NULL) {
        fclose(s->file);
        s->fd = -1;
    }
    if (s->fd >= 0) close(s->fd);
    if (s->peer >= 0) close(s->peer);
    if (s->more[0] >= 0) close(s->more[0]);
    if (s->more[1] >= 0) close(s->more[1]);
    if (s->path[0] != '\0') remove(s->path);
    free(s->buffer);
}

/* ---- pipes and sockets */

static void reading_pipe(struct scene* s) {
    int ends[2];
    begin_scene(s);
    must(pipe(ends) == 0, "pipe");
    s->fd = ends[0];
    s->peer = ends[1];
}
static void writing_pipe(struct scene* s) {
    int ends[2];
    begin_scene(s);
    must(pipe(ends) == 0, "pipe");
    s->fd = ends[1];
    s->peer = ends[0];
}
static void stream(struct scene* s) {
    int ends[2];
    begin_scene(s);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    s->fd = ends[0];
    s->peer = ends[1];
}
static void send_letter(struct scene* s) {
    must(write(s->peer, "x", 1) == 1, "write");
}
void take_all(struct scene* s) {
    char* const into = malloc(big_size);
    for (long left = big_size; left > 0;) {
        const ssize_t count = read(s->peer, into, (size_t)left);
        must(count > 0, "read");
        left -= count;
    }
    free(into);
}

static struct iovec* two_parts(struct scene* s, size_t size) {
    static _Thread_local struct iovec parts[2];
    parts[0].iov_base = s->buffer;
    parts[0].iov_len = size / 3;
    parts[1].iov_base = s->buffer + size / 3;
    parts[1].iov_len = size - size / 3;
    return parts;
}
static struct msghdr message(struct iovec* parts, int count) {
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_iov = parts;
    m.msg_iovlen = (size_t)count;
    return m;
}

static long call_read(struct scene* s) {
    return read(s->fd, s->buffer, 100);
}
static long call_read_chk(struct scene* s) {
    return __read_chk(s->fd, s->buffer, 100, 100);
}
static long call_readv(struct scene* s) {
    return readv(s->fd, two_parts(s, 100), 2);
}
static long call_write(struct scene* s) {
    return write(s->fd, s->buffer, big_size);
}
static long call_writev(struct scene* s) {
    return writev(s->fd, two_parts(s, big_size), 2);
}
static long call_recv(struct scene* s) {
    return recv(s->fd, s->buffer, 100, 0);
}
static long call_recv_chk(struct scene* s) {
    return __recv_chk(s->fd, s->buffer, 100, 100, 0);
}
static long call_recvfrom(struct scene* s) {
    return recvfrom(s->fd, s->buffer, 100, 0, NULL, NULL);
}
static long call_recvfrom_chk(struct scene* s) {
    return __recvfrom_chk(s->fd, s->buffer, 100, 100, 0, NULL, NULL);
}
static long call_recvmsg(struct scene* s) {
    struct msghdr m = message(two_parts(s, 100), 2);
    return recvmsg(s->fd, &m, 0);
}
static long call_send(struct scene* s) {
    return send(s->fd, s->buffer, big_size, 0);
}
static long call_sendto(struct scene* s) {
    return sendto(s->fd, s->buffer, big_size, 0, NULL, 0);
}
static long call_sendmsg(struct scene* s) {
    const struct msghdr m = message(two_parts(s, big_size), 2);
    return sendmsg(s->fd, &m, 0);
}

/* ---- at an offset */

static int unnamed_file(void) {
    char name[] = "/tmp/brio-posix-XXXXXX";
    const int fd = mkstemp(name);
    must(fd >= 0, "mkstemp");
    unlink(name);
    return fd;
}
static void file_of_letters(struct scene* s) {
    begin_scene(s);
    s->fd = unnamed_file();
    must(pwrite(s->fd, "letters", 7, 0) == 7, "pwrite");
}
static long call_pread(struct scene* s) {
    return pread(s->fd, s->buffer, 100, 2);
}
static long call_pread64(struct scene* s) {
    return pread64(s->fd, s->buffer, 100, 2);
}
static long call_pread_chk(struct scene* s) {
    return __pread_chk(s->fd, s->buffer, 100, 2, 100);
}
static long call_pread64_chk(struct scene* s) {
    return __pread64_chk(s->fd, s->buffer, 100, 2, 100);
}
static long call_preadv(struct scene* s) {
    return preadv(s->fd, two_parts(s, 100), 2, 2);
}
static long call_preadv64(struct scene* s) {
    return preadv64(s->fd, two_parts(s, 100), 2, 2);
}
static long call_pwrite(struct scene* s) {
    return pwrite(s->fd, s->buffer, 100, 2);
}
static long call_pwrite64(struct scene* s) {
    return pwrite64(s->fd, s->buffer, 100, 2);
}
static long call_pwritev(struct scene* s) {
    return pwritev(s->fd, two_parts(s, 100), 2, 2);
}
static long call_pwritev64(struct scene* s) {
    return pwritev64(s->fd, two_parts(s, 100), 2, 2);
}
static long call_preadv2(struct scene* s) {
    return preadv2(s->fd, two_parts(s, 100), 2, -1, 0);
}
static long call_preadv64v2(struct scene* s) {
    return preadv64v2(s->fd, two_parts(s, 100), 2, -1, 0);
}
static long call_pwritev2(struct scene* s) {
    return pwritev2(s->fd, two_parts(s, big_size), 2, -1, 0);
}
static long call_pwritev64v2(struct scene* s) {
    return pwritev64v2(s->fd, two_parts(s, big_size), 2, -1, 0);
}

/* ---- many messages */

static long call_recvmmsg(struct scene* s) {
    struct mmsghdr m[2];
    m[0].msg_hdr = message(two_parts(s, 100), 1);
    m[1].msg_hdr = message(two_parts(s, 100) + 1, 1);
    return recvmmsg(s->fd, m, 2, MSG_WAITFORONE, NULL);
}
/* The bytes of both. */
static long call_sendmmsg(struct scene* s) {
    struct mmsghdr m[2];
    struct iovec* const parts = two_parts(s, big_size);
    m[0].msg_hdr = message(parts, 1);
    m[1].msg_hdr = message(parts + 1, 1);
    switch (sendmmsg(s->fd, m, 2, 0)) {
        case 1:
            return m[0].msg_len;
        case 2:
            return (long)m[0].msg_len + m[1].msg_len;
        default:
            return -1;
    }
}

/* ---- from one descriptor to another */

static void big_file_to_stream(struct scene* s) {
    stream(s);
    s->more[0] = unnamed_file();
    must(pwrite(s->more[0], s->buffer, big_size, 0) == big_size, "pwrite");
}
static void pipe_to_pipe(struct scene* s) {
    reading_pipe(s);
    must(pipe(s->more) == 0, "pipe");
}
static void file_to_file(struct scene* s) {
    file_of_letters(s);
    s->more[0] = unnamed_file();
}
static long call_sendfile(struct scene* s) {
    off_t offset = 0;
    return sendfile(s->fd, s->more[0], &offset, big_size);
}
static long call_sendfile64(struct scene* s) {
    off64_t offset = 0;
    return sendfile64(s->fd, s->more[0], &offset, big_size);
}
static long call_splice(struct scene* s) {
    return splice(s->fd, NULL, s->more[1], NULL, 100, 0);
}
static long call_tee(struct scene* s) {
    return tee(s->fd, s->more[1], 100, 0);
}
static long call_copy_file_range(struct scene* s) {
    off64_t from = 0;
    off64_t to = 0;
    return copy_file_range(s->fd, &from, s->more[0], &to, 100, 0);
}

/* ---- locks of files: the peer is the same file, opened again, and locked */

static int open_again(int fd) {
    char name[50];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return open(name, O_RDWR);
}
static struct flock whole_file(short type) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}
static void flocked_file(struct scene* s) {
    file_of_letters(s);
    s->peer = open_again(s->fd);
    must(flock(s->peer, LOCK_EX) == 0, "flock");
}
static void unflock(struct scene* s) {
    must(flock(s->peer, LOCK_UN) == 0, "flock");
}
static long call_flock(struct scene* s) {
    return flock(s->fd, LOCK_SH);
}
static void locked_file(struct scene* s) {
    struct flock lock = whole_file(F_WRLCK);
    file_of_letters(s);
    s->peer = open_again(s->fd);
    must(fcntl(s->peer, F_OFD_SETLK, &lock) == 0, "fcntl");
}
static void unlock(struct scene* s) {
    struct flock lock = whole_file(F_UNLCK);
    must(fcntl(s->peer, F_OFD_SETLK, &lock) == 0, "fcntl");
}
static long call_lockf(struct scene* s) {
    return lockf(s->fd, F_LOCK, 0);
}
static long call_lockf64(struct scene* s) {
    return lockf64(s->fd, F_LOCK, 0);
}
static long call_fcntl(struct scene* s) {
    struct flock lock = whole_file(F_RDLCK);
    return fcntl(s->fd, F_SETLKW, &lock);
}
static long call_fcntl64(struct scene* s) {
    struct flock lock = whole_file(F_WRLCK);
    return fcntl64(s->fd, F_OFD_SETLKW, &lock);
}

/* ---- connections */

static void listener(struct scene* s) {
    socklen_t size = sizeof s->address;
    begin_scene(s);
    s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    s->address.sun_family = AF_UNIX; /* the kernel chooses an abstract name */
    must(bind(s->fd, (struct sockaddr*)&s->address, sizeof(sa_family_t)) == 0, "bind");
    must(getsockname(s->fd, (struct sockaddr*)&s->address, &size) == 0, "getsockname");
    must(listen(s->fd, 0) == 0, "listen");
}
/* An abstract name ends where the address does; the kernel's are 5 digits behind a zero byte. */
static socklen_t address_size(void) {
    return sizeof(sa_family_t) + 6;
}

static void connect_to_listener(struct scene* s) {
    s->peer = socket(AF_UNIX, SOCK_STREAM, 0);
    must(connect(s->peer, (struct sockaddr*)&s->address, address_size()) == 0, "connect");
}
static long close_new(int fd) {
    return fd < 0 ? -1 : close(fd);
}
static long call_accept(struct scene* s) {
    return close_new(accept(s->fd, NULL, NULL));
}
static long call_accept4(struct scene* s) {
    return close_new(accept4(s->fd, NULL, NULL, SOCK_CLOEXEC));
}
/* With a backlog of 0 the second connection waits until the first has been accepted. */
static void full_listener(struct scene* s) {
    int first;
    listener(s);
    first = socket(AF_UNIX, SOCK_STREAM, 0);
    must(connect(first, (struct sockaddr*)&s->address, address_size()) == 0, "first connect");
    close(first);
    s->peer = s->fd;
    s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
}
static long call_connect(struct scene* s) {
    return connect(s->fd, (struct sockaddr*)&s->address, address_size());
}
static void accept_one(struct scene* s) {
    close_new(accept(s->peer, NULL, NULL));
}

/* ---- readiness */

static struct pollfd readable(struct scene* s) {
    const struct pollfd item = {s->fd, POLLIN, 0};
    return item;
}
static long call_poll(struct scene* s) {
    struct pollfd item = readable(s);
    return poll(&item, 1, -1);
}
static long call_poll_internal(struct scene* s) {
    struct pollfd item = readable(s);
    return __poll(&item, 1, -1);
}
static long call_poll_chk(struct scene* s) {
    struct pollfd item = readable(s);
    return __poll_chk(&item, 1, -1, sizeof item);
}
static long call_ppoll(struct scene* s) {
    struct pollfd item = readable(s);
    return ppoll(&item, 1, NULL, NULL);
}
static long call_ppoll_chk(struct scene* s) {
    struct pollfd item = readable(s);
    return __ppoll_chk(&item, 1, NULL, NULL, sizeof item);
}
static long call_select(struct scene* s) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s->fd, &set);
    return select(s->fd + 1, &set, NULL, NULL, NULL);
}
static long call_pselect(struct scene* s) {
    fd_set set;
    FD_ZERO(&set);
    FD_SET(s->fd, &set);
    return pselect(s->fd + 1, &set, NULL, NULL, NULL, NULL);
}

static void epoll_of_pipe(struct scene* s) {
    struct epoll_event wanted;
    reading_pipe(s);
    memset(&wanted, 0, sizeof wanted);
    wanted.events = EPOLLIN;
    s->more[0] = epoll_create1(0);
    must(epoll_ctl(s->more[0], EPOLL_CTL_ADD, s->fd, &wanted) == 0, "epoll_ctl");
}
static long call_epoll_wait(struct scene* s) {
    struct epoll_event event;
    return epoll_wait(s->more[0], &event, 1, -1);
}
static long call_epoll_pwait(struct scene* s) {
    struct epoll_event event;
    return epoll_pwait(s->more[0], &event, 1, -1, NULL);
}
static long call_epoll_pwait2(struct scene* s) {
    struct epoll_event event;
    return epoll_pwait2(s->more[0], &event, 1, NULL, NULL);
}

/* ---- time */

static long call_sleep(struct scene* s) {
    (void)s;
    return sleep(1000);
}
static long call_usleep(struct scene* s) {
    (void)s;
    return usleep(1000 * 1000 * 1000);
}
static long call_nanosleep(struct scene* s) {
    const struct timespec t = {1000, 0};
    (void)s;
    return nanosleep(&t, NULL);
}
static long call_clock_nanosleep(struct scene* s) {
    const struct timespec t = {1000, 0};
    (void)s;
    return clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* ---- threads */

static void* wait_for_letter(void* fd) {
    char letter;
    return (void*)syscall(SYS_read, (int)(long)fd, &letter, 1);
}
static void thread_on_pipe(struct scene* s) {
    reading_pipe(s);
    must(pthread_create(&s->thread, NULL, wait_for_letter, (void*)(long)s->fd) == 0,
         "pthread_create");
    s->thread_runs = 1;
}
static long call_pthread_join(struct scene* s) {
    void* result = NULL;
    const int status = pthread_join(s->thread, &result);
    s->thread_runs = status != 0;
    return status != 0 ? status : (long)result;
}

/* ---- processes: they end with status 7 when they get a letter */

static void child_on_pipe(struct scene* s) {
    char letter;
    reading_pipe(s);
    s->child = fork();
    must(s->child >= 0, "fork");
    if (s->child == 0) {
        syscall(SYS_close, s->peer);
        _exit(syscall(SYS_read, s->fd, &letter, 1) == 1 ? 7 : 1);
    }
}
static long status_of(struct scene* s, pid_t found, int status) {
    if (found < 0) return -1;
    if (found != s->child) return -2;
    s->child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -3;
}
static long call_wait(struct scene* s) {
    int status = 0;
    const pid_t found = wait(&status);
    return status_of(s, found, status);
}
static long call_wait3(struct scene* s) {
    int status = 0;
    struct rusage usage;
    const pid_t found = wait3(&status, 0, &usage);
    return status_of(s, found, status);
}
static long call_wait4(struct scene* s) {
    int status = 0;
    const pid_t found = wait4(s->child, &status, 0, NULL);
    return status_of(s, found, status);
}
static long call_waitpid(struct scene* s) {
    int status = 0;
    const pid_t found = waitpid(s->child, &status, 0);
    return status_of(s, found, status);
}
static long call_waitid(struct scene* s) {
    siginfo_t info;
    if (waitid(P_PID, (id_t)s->child, &info, WEXITED) != 0) return -1;
    return status_of(s, info.si_pid, info.si_status << 8);
}
static const char* shell_command(struct scene* s) {
    snprintf(s->buffer, 100, "read -r letter </dev/fd/%d; exit 7", s->fd);
    return s->buffer;
}
static void letter_with_newline(struct scene* s) {
    must(write(s->peer, "x\n", 2) == 2, "write");
}
static long call_system(struct scene* s) {
    const int status = system(shell_command(s));
    return status < 0 ? -1 : WEXITSTATUS(status);
}
static void shell_on_pipe(struct scene* s) {
    reading_pipe(s);
    s->stream = popen(shell_command(s), "w");
    must(s->stream != NULL, "popen");
}
static long call_pclose(struct scene* s) {
    FILE* const stream = s->stream;
    s->stream = NULL;
    const int status = pclose(stream);
    return status < 0 ? -1 : WEXITSTATUS(status);
}

/* ---- signals: blocked from the first scene on, for the threads to come as well */

static sigset_t awaited_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return set;
}
static void blocked_signal(struct scene* s) {
    const sigset_t set = awaited_signals();
    begin_scene(s);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0, "pthread_sigmask");
}
static void send_signal(struct scene* s) {
    (void)s;
    must(kill(getpid(), SIGUSR2) == 0, "kill");
}
static long call_sigwait(struct scene* s) {
    const sigset_t set = awaited_signals();
    int taken = 0;
    const int error = sigwait(&set, &taken);
    (void)s;
    return error != 0 ? error : taken == SIGUSR2 ? 0 : -2;
}
static long call_sigwaitinfo(struct scene* s) {
    const sigset_t set = awaited_signals();
    siginfo_t info;
    (void)s;
    return sigwaitinfo(&set, &info);
}
static long call_sigtimedwait(struct scene* s) {
    const sigset_t set = awaited_signals();
    (void)s;
    return sigtimedwait(&set, NULL, NULL);
}

static void ignore_letter(int signal) {
    (void)signal;
}
static void handled_signal(struct scene* s) {
    const sigset_t set = awaited_signals();
    begin_scene(s);
    signal(SIGUSR2, ignore_letter);
    must(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0, "pthread_sigmask");
}
static void blocked_and_handled_signal(struct scene* s) {
    blocked_signal(s);
    signal(SIGUSR2, ignore_letter);
}
/* EINTR is how these two succeed. */
static long interrupted(int result, int before) {
    if (result != -1 || errno != EINTR) return -1;
    errno = before;
    return 0;
}
static long call_pause(struct scene* s) {
    const int before = errno;
    (void)s;
    return interrupted(pause(), before);
}
static long call_sigsuspend(struct scene* s) {
    const int before = errno;
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    sigdelset(&mask, SIGUSR2);
    (void)s;
    return interrupted(sigsuspend(&mask), before);
}

const struct blocking_call blocking_calls[] = {
    {"read", reading_pipe, call_read, send_letter, ends_by_release, 1},
    {"__read_chk", reading_pipe, call_read_chk, send_letter, ends_by_release, 1},
    {"readv", reading_pipe, call_readv, send_letter, ends_by_release, 1},
    {"write", writing_pipe, call_write, take_all, ends_by_release, big_size},
    {"writev", writing_pipe, call_writev, take_all, ends_by_release, big_size},
    {"recv", stream, call_recv, send_letter, ends_by_release, 1},
    {"__recv_chk", stream, call_recv_chk, send_letter, ends_by_release, 1},
    {"recvfrom", stream, call_recvfrom, send_letter, ends_by_release, 1},
    {"__recvfrom_chk", stream, call_recvfrom_chk, send_letter, ends_by_release, 1},
    {"recvmsg", stream, call_recvmsg, send_letter, ends_by_release, 1},
    {"send", stream, call_send, take_all, ends_by_release, big_size},
    {"sendto", stream, call_sendto, take_all, ends_by_release, big_size},
    {"sendmsg", stream, call_sendmsg, take_all, ends_by_release, big_size},
    {"pread", file_of_letters, call_pread, NULL, ends_whole, 5},
    {"pread64", file_of_letters, call_pread64, NULL, ends_whole, 5},
    {"__pread_chk", file_of_letters, call_pread_chk, NULL, ends_whole, 5},
    {"__pread64_chk", file_of_letters, call_pread64_chk, NULL, ends_whole, 5},
    {"preadv", file_of_letters, call_preadv, NULL, ends_whole, 5},
    {"preadv64", file_of_letters, call_preadv64, NULL, ends_whole, 5},
    {"pwrite", file_of_letters, call_pwrite, NULL, ends_whole, 100},
    {"pwrite64", file_of_letters, call_pwrite64, NULL, ends_whole, 100},
    {"pwritev", file_of_letters, call_pwritev, NULL, ends_whole, 100},
    {"pwritev64", file_of_letters, call_pwritev64, NULL, ends_whole, 100},
    {"preadv2", reading_pipe, call_preadv2, send_letter, ends_by_release, 1},
    {"preadv64v2", reading_pipe, call_preadv64v2, send_letter, ends_by_release, 1},
    {"pwritev2", writing_pipe, call_pwritev2, take_all, ends_by_release, big_size},
    {"pwritev64v2", writing_pipe, call_pwritev64v2, take_all, ends_by_release, big_size},
    {"recvmmsg", stream, call_recvmmsg, send_letter, ends_by_release, 1},
    {"sendmmsg", stream, call_sendmmsg, take_all, ends_by_release, big_size},
    {"sendfile", big_file_to_stream, call_sendfile, take_all, ends_by_release, big_size},
    {"sendfile64", big_file_to_stream, call_sendfile64, take_all, ends_by_release, big_size},
    {"splice", pipe_to_pipe, call_splice, send_letter, ends_by_release, 1},
    {"tee", pipe_to_pipe, call_tee, send_letter, ends_by_release, 1},
    {"copy_file_range", file_to_file, call_copy_file_range, NULL, ends_whole, 7},
    {"flock", flocked_file, call_flock, unflock, ends_by_release, 0},
    {"lockf", locked_file, call_lockf, unlock, ends_by_release, 0},
    {"lockf64", locked_file, call_lockf64, unlock, ends_by_release, 0},
    {"fcntl", locked_file, call_fcntl, unlock, ends_by_release, 0},
    {"fcntl64", locked_file, call_fcntl64, unlock, ends_by_release, 0},
    {"connect", full_listener, call_connect, accept_one, ends_by_release, 0},
    {"accept", listener, call_accept, connect_to_listener, ends_by_release, 0},
    {"accept4", listener, call_accept4, connect_to_listener, ends_by_release, 0},
    {"poll", reading_pipe, call_poll, send_letter, ends_by_release, 1},
    {"__poll", reading_pipe, call_poll_internal, send_letter, ends_by_release, 1},
    {"__poll_chk", reading_pipe, call_poll_chk, send_letter, ends_by_release, 1},
    {"ppoll", reading_pipe, call_ppoll, send_letter, ends_by_release, 1},
    {"__ppoll_chk", reading_pipe, call_ppoll_chk, send_letter, ends_by_release, 1},
    {"select", reading_pipe, call_select, send_letter, ends_by_release, 1},
    {"pselect", reading_pipe, call_pselect, send_letter, ends_by_release, 1},
    {"epoll_wait", epoll_of_pipe, call_epoll_wait, send_letter, ends_by_release, 1},
    {"epoll_pwait", epoll_of_pipe, call_epoll_pwait, send_letter, ends_by_release, 1},
    {"epoll_pwait2", epoll_of_pipe, call_epoll_pwait2, send_letter, ends_by_release, 1},
    {"sleep", begin_scene, call_sleep, NULL, ends_by_itself, 0},
    {"usleep", begin_scene, call_usleep, NULL, ends_by_itself, 0},
    {"nanosleep", begin_scene, call_nanosleep, NULL, ends_by_itself, 0},
    {"clock_nanosleep", begin_scene, call_clock_nanosleep, NULL, ends_by_itself, 0},
    {"wait", child_on_pipe, call_wait, send_letter, ends_by_release, 7},
    {"wait3", child_on_pipe, call_wait3, send_letter, ends_by_release, 7},
    {"wait4", child_on_pipe, call_wait4, send_letter, ends_by_release, 7},
    {"waitpid", child_on_pipe, call_waitpid, send_letter, ends_by_release, 7},
    {"waitid", child_on_pipe, call_waitid, send_letter, ends_by_release, 7},
    {"system", reading_pipe, call_system, letter_with_newline, ends_by_release, 7},
    {"pclose", shell_on_pipe, call_pclose, letter_with_newline, ends_by_release, 7},
    {"sigwait", blocked_signal, call_sigwait, send_signal, ends_by_release, 0},
    {"sigwaitinfo", blocked_signal, call_sigwaitinfo, send_signal, ends_by_release, SIGUSR2},
    {"sigtimedwait", blocked_signal, call_sigtimedwait, send_signal, ends_by_release, SIGUSR2},
    {"pause", handled_signal, call_pause, send_signal, ends_by_release, 0},
    {"sigsuspend", blocked_and_handled_signal, call_sigsuspend, send_signal, ends_by_release, 0},
    {"pthread_join", thread_on_pipe, call_pthread_join, send_letter, ends_by_release, 1},
};
const int blocking_call_count = sizeof blocking_calls / sizeof *blocking_calls;

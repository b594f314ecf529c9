/* An ordinary program: threads, sockets, a child process, all blocking. Knows nothing of Brio. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void* serve(void* listening) {
    const int fd = accept((int)(long)listening, NULL, NULL);
    char letter;
    usleep(10000);
    while (recv(fd, &letter, 1, 0) == 1) {
        ++letter;
        send(fd, &letter, 1, 0);
    }
    close(fd);
    return (void*)1;
}

static void talk_to_a_thread(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    const int listening = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    void* result = NULL;
    bind(listening, (struct sockaddr*)&address, size);
    listen(listening, 1);
    getsockname(listening, (struct sockaddr*)&address, &size);
    pthread_create(&thread, NULL, serve, (void*)(long)listening);

    char port[8];
    struct addrinfo* found = NULL;
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    /* A machine without /etc/hosts does not know the name. */
    printf("getaddrinfo %d\n", getaddrinfo("localhost", port, &hints, &found));
    const struct sockaddr* const peer = found != NULL ? found->ai_addr : (struct sockaddr*)&address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    printf("connect %d\n", connect(fd, peer, size));
    if (found != NULL) freeaddrinfo(found);
    char letter = 'a';
    for (int i = 0; i < 3; ++i) {
        struct pollfd item = {fd, POLLIN, 0};
        printf("send %zd, ", send(fd, &letter, 1, 0));
        printf("poll %d, ", poll(&item, 1, -1));
        printf("recv %zd, ", recv(fd, &letter, 1, 0));
        printf("%c\n", letter);
    }
    close(fd);
    printf("join %d, ", pthread_join(thread, &result));
    printf("result %ld\n", (long)result);
    close(listening);
}

static void talk_to_a_child(void) {
    int ends[2];
    int status = 0;
    char text[10] = {0};
    if (pipe(ends) != 0) return;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        fd_set none;
        struct timeval soon = {0, 10000};
        FD_ZERO(&none);
        select(0, &none, NULL, NULL, &soon);
        exit(write(ends[1], "child", 5) == 5 ? 3 : 4); /* back through main's fiber and atexit */
    }
    printf("read %zd, ", read(ends[0], text, sizeof text));
    printf("%s, ", text);
    waitpid(child, &status, 0);
    printf("status %d\n", WEXITSTATUS(status));
}

static volatile sig_atomic_t alarms;
static void on_alarm(int signal) {
    (void)signal;
    ++alarms;
}

int main(int count, char** arguments) {
    const struct timespec short_time = {0, 1000000};
    printf("%d arguments, the last is %s\n", count, arguments[count - 1]);
    talk_to_a_thread();
    talk_to_a_child();
    printf("nanosleep %d\n", nanosleep(&short_time, NULL));
    signal(SIGALRM, on_alarm);
    raise(SIGALRM);
    printf("alarms %d\n", (int)alarms);
    char line[100];
    if (fgets(line, sizeof line, stdin) != NULL) printf("line %s", line);
    return 5;
}

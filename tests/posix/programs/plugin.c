/* What a program loads at run time: calls that wait. Knows nothing of Brio. */
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int plugin_read(int fd) {
    char letter;
    return read(fd, &letter, 1) == 1 ? letter : -1;
}

int plugin_recv(int fd) {
    char letter;
    return recv(fd, &letter, 1, 0) == 1 ? letter : -1;
}

/* The fd stays silent. */
int plugin_poll(int fd) {
    struct pollfd item = {fd, POLLIN, 0};
    return poll(&item, 1, 10);
}

int plugin_sleep(int fd) {
    (void)fd;
    return usleep(10000);
}

/* Linked at a fixed address, and takes the addresses of libc's functions: the linker then gives these
   functions' names to places in the executable itself. */
#include <stdio.h>
#include <unistd.h>

typedef ssize_t read_function(int, void*, size_t);
typedef int sync_function(int);

int main(void) {
    read_function* volatile reading = &read;
    sync_function* volatile syncing = &fsync;
    char byte = 0;
    while (reading(0, &byte, 1) == 1) putchar(byte);
    return syncing(-1) == -1 ? 0 : 1;
}

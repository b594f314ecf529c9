#pragma once
/* One scene for each row of io/posix/symbols.def that waits, in C that knows nothing of Brio: a call
 * that blocks, and what ends it. The tests play each on a fiber and on a plain thread. */

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { big_size = 1 << 20 }; /* more than a pipe or a socket takes at once */

struct scene {
    int fd;      /* what the call is made on */
    int peer;    /* what ends it; -1: none */
    int more[2]; /* what else the call needs; -1: nothing */
    struct sockaddr_un address;
    char path[32]; /* of a file or a directory, which is removed in the end; empty: none */
    pthread_t thread;
    int thread_runs;
    pid_t child;  /* 0: none, or it has been waited for */
    FILE* stream; /* of popen */
    FILE* file;   /* has fd */
    char* buffer; /* big_size bytes */
};

enum ending {
    ends_by_release,
    ends_by_itself, /* the time passes, a helper is done */
    ends_whole,     /* likewise, perhaps at once, and no cancel cuts it short */
    ends_elsewhere, /* likewise, but always in another thread or the ring */
};

struct blocking_call {
    const char* symbol;
    void (*prepare)(struct scene*);
    /* Blocks. Returns what the function returned; a new descriptor is closed and counts as 0. */
    long (*call)(struct scene*);
    void (*release)(struct scene*);
    enum ending ending;
    long expected;
};

extern const struct blocking_call blocking_calls[];
extern const int blocking_call_count;
extern const struct blocking_call blocking_locks[];
extern const int blocking_lock_count;
extern const struct blocking_call blocking_stdio[];
extern const int blocking_stdio_count;
extern const struct blocking_call blocking_files[];
extern const int blocking_file_count;
extern const struct blocking_call blocking_look_ups[];
extern const int blocking_look_up_count;

/* Of any scene: with nothing but its buffer. */
void begin_scene(struct scene*);
/* What ends a call that writes big_size bytes: reads them at the other end. */
void take_all(struct scene*);
/* Of any scene: closes and frees. */
void clear_scene(struct scene*);

#ifdef __cplusplus
}
#endif

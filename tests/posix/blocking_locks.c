#define _GNU_SOURCE
#include "posix/blocking_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* libstdc++'s; no C header declares them. */
int __cxa_guard_acquire(long long*);
void __cxa_guard_release(long long*);

struct locks {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
    sem_t semaphore;
    pthread_once_t once;
    long long guard;
    int word;
    int changed;
};

static struct locks* locks_of(struct scene* s) {
    return (struct locks*)s->buffer;
}

static void must(int holds, const char* what) {
    if (holds) return;
    perror(what);
    abort();
}

static void begin(struct scene* s) {
    begin_scene(s);
    struct locks* const l = locks_of(s);
    must(pthread_mutex_init(&l->mutex, NULL) == 0, "pthread_mutex_init");
    must(pthread_cond_init(&l->condition, NULL) == 0, "pthread_cond_init");
    must(pthread_rwlock_init(&l->rwlock, NULL) == 0, "pthread_rwlock_init");
    must(pthread_barrier_init(&l->barrier, NULL, 2) == 0, "pthread_barrier_init");
    must(sem_init(&l->semaphore, 0, 0) == 0, "sem_init");
}

static struct timespec long_after(clockid_t clock) {
    struct timespec t;
    must(clock_gettime(clock, &t) == 0, "clock_gettime");
    t.tv_sec += 1000;
    return t;
}

/* ---- mutexes */

static void held_mutex(struct scene* s) {
    begin(s);
    must(pthread_mutex_lock(&locks_of(s)->mutex) == 0, "pthread_mutex_lock");
}
static void release_mutex(struct scene* s) {
    must(pthread_mutex_unlock(&locks_of(s)->mutex) == 0, "pthread_mutex_unlock");
}
static long and_unlock(struct scene* s, int locked) {
    if (locked == 0) must(pthread_mutex_unlock(&locks_of(s)->mutex) == 0, "pthread_mutex_unlock");
    return locked;
}
static long call_mutex_lock(struct scene* s) {
    return and_unlock(s, pthread_mutex_lock(&locks_of(s)->mutex));
}
static long call_mutex_timedlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_REALTIME);
    return and_unlock(s, pthread_mutex_timedlock(&locks_of(s)->mutex, &end));
}
static long call_mutex_clocklock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_MONOTONIC);
    return and_unlock(s, pthread_mutex_clocklock(&locks_of(s)->mutex, CLOCK_MONOTONIC, &end));
}
static long call_mtx_lock(struct scene* s) {
    return and_unlock(s, mtx_lock((mtx_t*)&locks_of(s)->mutex));
}
static long call_mtx_timedlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_REALTIME);
    return and_unlock(s, mtx_timedlock((mtx_t*)&locks_of(s)->mutex, &end));
}

/* ---- conditions */

static void change(struct scene* s) {
    struct locks* const l = locks_of(s);
    pthread_mutex_lock(&l->mutex);
    l->changed = 1;
    pthread_cond_signal(&l->condition);
    pthread_mutex_unlock(&l->mutex);
}
enum condition_wait { wait_plain, wait_timed, wait_clock, wait_c11, wait_c11_timed };
static int wait_once(struct locks* l, enum condition_wait how) {
    const struct timespec end = long_after(how == wait_clock ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    switch (how) {
        case wait_plain:
            return pthread_cond_wait(&l->condition, &l->mutex);
        case wait_timed:
            return pthread_cond_timedwait(&l->condition, &l->mutex, &end);
        case wait_clock:
            return pthread_cond_clockwait(&l->condition, &l->mutex, CLOCK_MONOTONIC, &end);
        case wait_c11:
            return cnd_wait((cnd_t*)&l->condition, (mtx_t*)&l->mutex);
        default:
            return cnd_timedwait((cnd_t*)&l->condition, (mtx_t*)&l->mutex, &end);
    }
}
static long wait_for_change(struct scene* s, enum condition_wait how) {
    struct locks* const l = locks_of(s);
    int result = 0;
    pthread_mutex_lock(&l->mutex);
    while (!l->changed && result == 0) result = wait_once(l, how);
    pthread_mutex_unlock(&l->mutex);
    return result;
}
static long call_cond_wait(struct scene* s) {
    return wait_for_change(s, wait_plain);
}
static long call_cond_timedwait(struct scene* s) {
    return wait_for_change(s, wait_timed);
}
static long call_cond_clockwait(struct scene* s) {
    return wait_for_change(s, wait_clock);
}
static long call_cnd_wait(struct scene* s) {
    return wait_for_change(s, wait_c11);
}
static long call_cnd_timedwait(struct scene* s) {
    return wait_for_change(s, wait_c11_timed);
}

/* ---- rwlocks */

static void written(struct scene* s) {
    begin(s);
    must(pthread_rwlock_wrlock(&locks_of(s)->rwlock) == 0, "pthread_rwlock_wrlock");
}
static void being_read(struct scene* s) {
    begin(s);
    must(pthread_rwlock_rdlock(&locks_of(s)->rwlock) == 0, "pthread_rwlock_rdlock");
}
static void release_rwlock(struct scene* s) {
    must(pthread_rwlock_unlock(&locks_of(s)->rwlock) == 0, "pthread_rwlock_unlock");
}
static long and_release(struct scene* s, int locked) {
    if (locked == 0) release_rwlock(s);
    return locked;
}
static long call_rdlock(struct scene* s) {
    return and_release(s, pthread_rwlock_rdlock(&locks_of(s)->rwlock));
}
static long call_wrlock(struct scene* s) {
    return and_release(s, pthread_rwlock_wrlock(&locks_of(s)->rwlock));
}
static long call_timedrdlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_REALTIME);
    return and_release(s, pthread_rwlock_timedrdlock(&locks_of(s)->rwlock, &end));
}
static long call_timedwrlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_REALTIME);
    return and_release(s, pthread_rwlock_timedwrlock(&locks_of(s)->rwlock, &end));
}
static long call_clockrdlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_MONOTONIC);
    return and_release(s, pthread_rwlock_clockrdlock(&locks_of(s)->rwlock, CLOCK_MONOTONIC, &end));
}
static long call_clockwrlock(struct scene* s) {
    const struct timespec end = long_after(CLOCK_MONOTONIC);
    return and_release(s, pthread_rwlock_clockwrlock(&locks_of(s)->rwlock, CLOCK_MONOTONIC, &end));
}

/* ---- semaphores, barriers, raw futexes */

static void post(struct scene* s) {
    must(sem_post(&locks_of(s)->semaphore) == 0, "sem_post");
}
static long call_sem_wait(struct scene* s) {
    return sem_wait(&locks_of(s)->semaphore);
}
static long call_sem_timedwait(struct scene* s) {
    const struct timespec end = long_after(CLOCK_REALTIME);
    return sem_timedwait(&locks_of(s)->semaphore, &end);
}
static long call_sem_clockwait(struct scene* s) {
    const struct timespec end = long_after(CLOCK_MONOTONIC);
    return sem_clockwait(&locks_of(s)->semaphore, CLOCK_MONOTONIC, &end);
}
static long call_barrier(struct scene* s) {
    const int arrived = pthread_barrier_wait(&locks_of(s)->barrier);
    return arrived == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : arrived;
}
static void arrive(struct scene* s) {
    call_barrier(s);
}
static long call_futex(struct scene* s) {
    int* const word = &locks_of(s)->word;
    const int before = errno; /* a wake may come before the wait: EAGAIN */
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    errno = before;
    return 0;
}
static void wake(struct scene* s) {
    int* const word = &locks_of(s)->word;
    __atomic_store_n(word, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- what is done once: another thread is at it */

static _Thread_local struct scene* playing;

static void wait_for_letter(void) {
    char letter;
    must(read(playing->fd, &letter, 1) == 1, "read");
}
static void* do_once(void* argument) {
    playing = argument;
    pthread_once(&locks_of(playing)->once, wait_for_letter);
    return NULL;
}
static void* initialise(void* argument) {
    playing = argument;
    long long* const guard = &locks_of(playing)->guard;
    must(__cxa_guard_acquire(guard) == 1, "__cxa_guard_acquire");
    wait_for_letter();
    __cxa_guard_release(guard);
    return NULL;
}
/* Returns when the word at `offset` of the locks tells that the thread has begun. */
static void start(struct scene* s, void* (*body)(void*), size_t offset) {
    int ends[2];
    begin(s);
    must(pipe(ends) == 0, "pipe");
    s->fd = ends[0];
    s->peer = ends[1];
    const volatile int* const begun = (const volatile int*)(s->buffer + offset);
    must(pthread_create(&s->thread, NULL, body, s) == 0, "pthread_create");
    s->thread_runs = 1;
    while (*begun == 0) sched_yield();
}
static void once_under_way(struct scene* s) {
    start(s, do_once, offsetof(struct locks, once));
}
static void guard_under_way(struct scene* s) {
    start(s, initialise, offsetof(struct locks, guard));
}
static void let_it_end(struct scene* s) {
    must(write(s->peer, "x", 1) == 1, "write");
    pthread_join(s->thread, NULL);
    s->thread_runs = 0;
}
static long call_pthread_once(struct scene* s) {
    return pthread_once(&locks_of(s)->once, abort);
}
static long call_call_once(struct scene* s) {
    call_once((once_flag*)&locks_of(s)->once, abort);
    return 0;
}
static long call_guard(struct scene* s) {
    return __cxa_guard_acquire(&locks_of(s)->guard);
}

/* ---- C11 threads */

static int answer_after_letter(void* argument) {
    playing = argument;
    wait_for_letter();
    return 7;
}
static void running_thread(struct scene* s) {
    int ends[2];
    begin(s);
    must(pipe(ends) == 0, "pipe");
    s->fd = ends[0];
    s->peer = ends[1];
    must(thrd_create(&s->thread, answer_after_letter, s) == thrd_success, "thrd_create");
    s->thread_runs = 1;
}
static void end_thread(struct scene* s) {
    must(write(s->peer, "x", 1) == 1, "write");
}
static long call_thrd_join(struct scene* s) {
    int result = 0;
    const int joined = thrd_join(s->thread, &result);
    s->thread_runs = 0;
    return joined == thrd_success ? result : -1;
}
static long call_thrd_sleep(struct scene* s) {
    const struct timespec length = {1000, 0};
    (void)s;
    return thrd_sleep(&length, NULL);
}
static long call_sched_yield(struct scene* s) {
    (void)s;
    return sched_yield();
}
static long call_thrd_yield(struct scene* s) {
    (void)s;
    thrd_yield();
    return 0;
}

const struct blocking_call blocking_locks[] = {
    {"pthread_mutex_lock", held_mutex, call_mutex_lock, release_mutex, ends_by_release, 0},
    {"pthread_mutex_timedlock", held_mutex, call_mutex_timedlock, release_mutex, ends_by_release,
     0},
    {"pthread_mutex_clocklock", held_mutex, call_mutex_clocklock, release_mutex, ends_by_release,
     0},
    {"mtx_lock", held_mutex, call_mtx_lock, release_mutex, ends_by_release, 0},
    {"mtx_timedlock", held_mutex, call_mtx_timedlock, release_mutex, ends_by_release, 0},
    {"pthread_cond_wait", begin, call_cond_wait, change, ends_by_release, 0},
    {"pthread_cond_timedwait", begin, call_cond_timedwait, change, ends_by_release, 0},
    {"pthread_cond_clockwait", begin, call_cond_clockwait, change, ends_by_release, 0},
    {"cnd_wait", begin, call_cnd_wait, change, ends_by_release, 0},
    {"cnd_timedwait", begin, call_cnd_timedwait, change, ends_by_release, 0},
    {"pthread_rwlock_rdlock", written, call_rdlock, release_rwlock, ends_by_release, 0},
    {"pthread_rwlock_wrlock", being_read, call_wrlock, release_rwlock, ends_by_release, 0},
    {"pthread_rwlock_timedrdlock", written, call_timedrdlock, release_rwlock, ends_by_release, 0},
    {"pthread_rwlock_timedwrlock", being_read, call_timedwrlock, release_rwlock, ends_by_release,
     0},
    {"pthread_rwlock_clockrdlock", written, call_clockrdlock, release_rwlock, ends_by_release, 0},
    {"pthread_rwlock_clockwrlock", being_read, call_clockwrlock, release_rwlock, ends_by_release,
     0},
    {"sem_wait", begin, call_sem_wait, post, ends_by_release, 0},
    {"sem_timedwait", begin, call_sem_timedwait, post, ends_by_release, 0},
    {"sem_clockwait", begin, call_sem_clockwait, post, ends_by_release, 0},
    {"pthread_barrier_wait", begin, call_barrier, arrive, ends_by_release, 0},
    {"pthread_once", once_under_way, call_pthread_once, let_it_end, ends_by_release, 0},
    {"call_once", once_under_way, call_call_once, let_it_end, ends_by_release, 0},
    {"__cxa_guard_acquire", guard_under_way, call_guard, let_it_end, ends_by_release, 0},
    {"syscall", begin, call_futex, wake, ends_by_release, 0},
    {"thrd_join", running_thread, call_thrd_join, end_thread, ends_by_release, 7},
    {"thrd_sleep", begin, call_thrd_sleep, NULL, ends_by_itself, 0},
    {"sched_yield", begin, call_sched_yield, NULL, ends_by_itself, 0},
    {"thrd_yield", begin, call_thrd_yield, NULL, ends_by_itself, 0},
};
const int blocking_lock_count = sizeof blocking_locks / sizeof blocking_locks[0];

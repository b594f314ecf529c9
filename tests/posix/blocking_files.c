#define _GNU_SOURCE
#include "posix/blocking_calls.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What _FORTIFY_SOURCE makes of calls. */
int __open_2(const char*, int);
int __open64_2(const char*, int);
int __openat_2(int, const char*, int);
int __openat64_2(int, const char*, int);

static void must(int holds, const char* what) {
    if (holds) return;
    perror(what);
    abort();
}

/* ---- opening a FIFO, which waits for the other end */

static void no_name(struct scene* s) {
    begin_scene(s);
    strcpy(s->path, "/tmp/brio-posix-XXXXXX");
    must(mkdtemp(s->path) != NULL, "mkdtemp");
    must(rmdir(s->path) == 0, "rmdir");
}
static void fifo(struct scene* s) {
    no_name(s);
    must(mkfifo(s->path, 0600) == 0, "mkfifo");
}
static void open_other_end(struct scene* s) {
    s->peer = open(s->path, O_RDWR | O_NONBLOCK); /* both ends: does not wait */
    must(s->peer >= 0, "open");
}
static long close_new(int fd) {
    return fd < 0 ? -1 : close(fd);
}
static long call_open(struct scene* s) {
    return close_new(open(s->path, O_RDONLY));
}
static long call_open64(struct scene* s) {
    return close_new(open64(s->path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
}
static long call_openat(struct scene* s) {
    return close_new(openat(AT_FDCWD, s->path, O_RDONLY));
}
static long call_openat64(struct scene* s) {
    return close_new(openat64(AT_FDCWD, s->path, O_WRONLY));
}
static long call_creat(struct scene* s) {
    return close_new(creat(s->path, 0600));
}
static long call_creat64(struct scene* s) {
    return close_new(creat64(s->path, 0600));
}
static long call_open_2(struct scene* s) {
    return close_new(__open_2(s->path, O_RDONLY));
}
static long call_open64_2(struct scene* s) {
    return close_new(__open64_2(s->path, O_RDONLY));
}
static long call_openat_2(struct scene* s) {
    return close_new(__openat_2(AT_FDCWD, s->path, O_RDONLY));
}
static long call_openat64_2(struct scene* s) {
    return close_new(__openat64_2(AT_FDCWD, s->path, O_RDONLY));
}
static long close_new_file(FILE* file) {
    return file == NULL ? -1 : fclose(file);
}
static long call_fopen(struct scene* s) {
    return close_new_file(fopen(s->path, "r"));
}
static long call_fopen64(struct scene* s) {
    return close_new_file(fopen64(s->path, "w"));
}

/* ---- files and directories */

static void named_file(struct scene* s) {
    no_name(s);
    s->fd = open(s->path, O_CREAT | O_EXCL | O_RDWR, 0600);
    must(s->fd >= 0, "open");
    must(write(s->fd, "letters", 7) == 7, "write");
}
static void empty_directory(struct scene* s) {
    no_name(s);
    must(mkdir(s->path, 0700) == 0, "mkdir");
}
static long call_fsync(struct scene* s) {
    return fsync(s->fd);
}
static long call_fdatasync(struct scene* s) {
    return fdatasync(s->fd);
}
static long call_syncfs(struct scene* s) {
    return syncfs(s->fd);
}
static long call_sync(struct scene* s) {
    (void)s;
    sync();
    return 0;
}
static long size_after(struct scene* s, int result) {
    struct stat file;
    return result != 0 || fstat(s->fd, &file) != 0 ? -1 : file.st_size;
}
static long call_ftruncate(struct scene* s) {
    return size_after(s, ftruncate(s->fd, 3));
}
static long call_ftruncate64(struct scene* s) {
    return size_after(s, ftruncate64(s->fd, 3));
}
static long call_truncate(struct scene* s) {
    return size_after(s, truncate(s->path, 3));
}
static long call_truncate64(struct scene* s) {
    return size_after(s, truncate64(s->path, 3));
}
static long call_fallocate(struct scene* s) {
    return size_after(s, fallocate(s->fd, 0, 0, 10));
}
static long call_fallocate64(struct scene* s) {
    return size_after(s, fallocate64(s->fd, 0, 0, 10));
}
static long call_posix_fallocate(struct scene* s) {
    return size_after(s, posix_fallocate(s->fd, 0, 10));
}
static long call_posix_fallocate64(struct scene* s) {
    return size_after(s, posix_fallocate64(s->fd, 0, 10));
}
/* The new name, which has to be removed in the end. */
static const char* new_name(struct scene* s, char* old) {
    strcpy(old, s->path);
    strcat(s->path, "b");
    return s->path;
}
static long call_rename(struct scene* s) {
    char old[sizeof s->path];
    const char* const name = new_name(s, old);
    return rename(old, name);
}
static long call_renameat(struct scene* s) {
    char old[sizeof s->path];
    const char* const name = new_name(s, old);
    return renameat(AT_FDCWD, old, AT_FDCWD, name);
}
static long call_renameat2(struct scene* s) {
    char old[sizeof s->path];
    const char* const name = new_name(s, old);
    return renameat2(AT_FDCWD, old, AT_FDCWD, name, RENAME_NOREPLACE);
}
static long call_unlink(struct scene* s) {
    return unlink(s->path);
}
static long call_unlinkat(struct scene* s) {
    return unlinkat(AT_FDCWD, s->path, 0);
}
static long call_rmdir(struct scene* s) {
    return rmdir(s->path);
}
static long call_remove(struct scene* s) {
    return remove(s->path);
}
static long call_mkdir(struct scene* s) {
    return mkdir(s->path, 0700);
}
static long call_mkdirat(struct scene* s) {
    return mkdirat(AT_FDCWD, s->path, 0700);
}

/* What stat tells of the size, or -1. */
static long call_stat(struct scene* s) {
    struct stat file;
    return stat(s->path, &file) != 0 ? -1 : file.st_size;
}
static long call_stat64(struct scene* s) {
    struct stat64 file;
    return stat64(s->path, &file) != 0 ? -1 : file.st_size;
}
static long call_lstat(struct scene* s) {
    struct stat file;
    return lstat(s->path, &file) != 0 ? -1 : file.st_size;
}
static long call_lstat64(struct scene* s) {
    struct stat64 file;
    return lstat64(s->path, &file) != 0 ? -1 : file.st_size;
}
static long call_fstatat(struct scene* s) {
    struct stat file;
    return fstatat(AT_FDCWD, s->path, &file, 0) != 0 ? -1 : file.st_size;
}
static long call_fstatat64(struct scene* s) {
    struct stat64 file;
    return fstatat64(AT_FDCWD, s->path, &file, 0) != 0 ? -1 : file.st_size;
}
static long call_statx(struct scene* s) {
    struct statx file;
    return statx(AT_FDCWD, s->path, 0, STATX_SIZE, &file) != 0 ? -1 : (long)file.stx_size;
}

const struct blocking_call blocking_files[] = {
    {"open", fifo, call_open, open_other_end, ends_by_release, 0},
    {"open64", fifo, call_open64, open_other_end, ends_by_release, 0},
    {"openat", fifo, call_openat, open_other_end, ends_by_release, 0},
    {"openat64", fifo, call_openat64, open_other_end, ends_by_release, 0},
    {"creat", fifo, call_creat, open_other_end, ends_by_release, 0},
    {"creat64", fifo, call_creat64, open_other_end, ends_by_release, 0},
    {"__open_2", fifo, call_open_2, open_other_end, ends_by_release, 0},
    {"__open64_2", fifo, call_open64_2, open_other_end, ends_by_release, 0},
    {"__openat_2", fifo, call_openat_2, open_other_end, ends_by_release, 0},
    {"__openat64_2", fifo, call_openat64_2, open_other_end, ends_by_release, 0},
    {"fopen", fifo, call_fopen, open_other_end, ends_by_release, 0},
    {"fopen64", fifo, call_fopen64, open_other_end, ends_by_release, 0},
    {"fsync", named_file, call_fsync, NULL, ends_elsewhere, 0},
    {"fdatasync", named_file, call_fdatasync, NULL, ends_elsewhere, 0},
    {"syncfs", named_file, call_syncfs, NULL, ends_elsewhere, 0},
    {"sync", begin_scene, call_sync, NULL, ends_elsewhere, 0},
    {"ftruncate", named_file, call_ftruncate, NULL, ends_elsewhere, 3},
    {"ftruncate64", named_file, call_ftruncate64, NULL, ends_elsewhere, 3},
    {"truncate", named_file, call_truncate, NULL, ends_elsewhere, 3},
    {"truncate64", named_file, call_truncate64, NULL, ends_elsewhere, 3},
    {"fallocate", named_file, call_fallocate, NULL, ends_elsewhere, 10},
    {"fallocate64", named_file, call_fallocate64, NULL, ends_elsewhere, 10},
    {"posix_fallocate", named_file, call_posix_fallocate, NULL, ends_elsewhere, 10},
    {"posix_fallocate64", named_file, call_posix_fallocate64, NULL, ends_elsewhere, 10},
    {"rename", named_file, call_rename, NULL, ends_elsewhere, 0},
    {"renameat", named_file, call_renameat, NULL, ends_elsewhere, 0},
    {"renameat2", named_file, call_renameat2, NULL, ends_elsewhere, 0},
    {"unlink", named_file, call_unlink, NULL, ends_elsewhere, 0},
    {"unlinkat", named_file, call_unlinkat, NULL, ends_elsewhere, 0},
    {"rmdir", empty_directory, call_rmdir, NULL, ends_elsewhere, 0},
    {"remove", empty_directory, call_remove, NULL, ends_elsewhere, 0},
    {"mkdir", no_name, call_mkdir, NULL, ends_elsewhere, 0},
    {"mkdirat", no_name, call_mkdirat, NULL, ends_elsewhere, 0},
    {"stat", named_file, call_stat, NULL, ends_whole, 7},
    {"stat64", named_file, call_stat64, NULL, ends_whole, 7},
    {"lstat", named_file, call_lstat, NULL, ends_whole, 7},
    {"lstat64", named_file, call_lstat64, NULL, ends_whole, 7},
    {"fstatat", named_file, call_fstatat, NULL, ends_whole, 7},
    {"fstatat64", named_file, call_fstatat64, NULL, ends_whole, 7},
    {"statx", named_file, call_statx, NULL, ends_whole, 7},
};
const int blocking_file_count = sizeof blocking_files / sizeof *blocking_files;

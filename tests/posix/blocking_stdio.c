#define _GNU_SOURCE
#include "posix/blocking_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* What _FORTIFY_SOURCE and older headers make of calls; no header declares them otherwise. */
size_t __fread_chk(void*, size_t, size_t, size_t, FILE*);
size_t __fread_unlocked_chk(void*, size_t, size_t, size_t, FILE*);
char* __fgets_chk(char*, size_t, int, FILE*);
char* __fgets_unlocked_chk(char*, size_t, int, FILE*);
int __underflow(FILE*);
int _IO_getc(FILE*);
int _IO_putc(int, FILE*);
int __isoc99_scanf(const char*, ...);
int __isoc99_fscanf(FILE*, const char*, ...);
int __isoc99_vscanf(const char*, va_list);
int __isoc99_vfscanf(FILE*, const char*, va_list);
int __printf_chk(int, const char*, ...);
int __fprintf_chk(FILE*, int, const char*, ...);
int __dprintf_chk(int, int, const char*, ...);
int __vprintf_chk(int, const char*, va_list);
int __vfprintf_chk(FILE*, int, const char*, va_list);
int __vdprintf_chk(int, int, const char*, va_list);

static void must(int holds, const char* what) {
    if (holds) return;
    perror(what);
    abort();
}

/* Every call answers 1 when it has succeeded and -1 when it has not. */
static long ok(int succeeded) {
    return succeeded ? 1 : -1;
}

/* ---- reading: from a pipe, in which there is a line in the end */

static void reading(struct scene* s) {
    int ends[2];
    begin_scene(s);
    must(pipe(ends) == 0, "pipe");
    s->fd = ends[0];
    s->peer = ends[1];
    s->file = fdopen(s->fd, "r");
    must(s->file != NULL, "fdopen");
}
static void send_line(struct scene* s) {
    must(write(s->peer, "7 x\n", 4) == 4, "write");
}
/* As standard input. */
static FILE* exchange_stdin(FILE* file) {
    FILE* const before = stdin;
    stdin = file;
    return before;
}

static long call_fread(struct scene* s) {
    return ok(fread(s->buffer, 1, 4, s->file) == 4);
}
static long call_fread_unlocked(struct scene* s) {
    return ok(fread_unlocked(s->buffer, 1, 4, s->file) == 4);
}
static long call_fread_chk(struct scene* s) {
    return ok(__fread_chk(s->buffer, big_size, 1, 4, s->file) == 4);
}
static long call_fread_unlocked_chk(struct scene* s) {
    return ok(__fread_unlocked_chk(s->buffer, big_size, 1, 4, s->file) == 4);
}
static long call_fgets(struct scene* s) {
    return ok(fgets(s->buffer, 100, s->file) != NULL);
}
static long call_fgets_unlocked(struct scene* s) {
    return ok(fgets_unlocked(s->buffer, 100, s->file) != NULL);
}
static long call_fgets_chk(struct scene* s) {
    return ok(__fgets_chk(s->buffer, big_size, 100, s->file) != NULL);
}
static long call_fgets_unlocked_chk(struct scene* s) {
    return ok(__fgets_unlocked_chk(s->buffer, big_size, 100, s->file) != NULL);
}
static long call_fgetc(struct scene* s) {
    return ok(fgetc(s->file) == '7');
}
static long call_getc(struct scene* s) {
    return ok((getc)(s->file) == '7');
}
static long call_io_getc(struct scene* s) {
    return ok(_IO_getc(s->file) == '7');
}
static long call_getchar(struct scene* s) {
    FILE* const before = exchange_stdin(s->file);
    const int letter = getchar();
    exchange_stdin(before);
    return ok(letter == '7');
}
static long call_fgetc_unlocked(struct scene* s) {
    return ok((fgetc_unlocked)(s->file) == '7');
}
static long call_getc_unlocked(struct scene* s) {
    return ok((getc_unlocked)(s->file) == '7');
}
static long call_getchar_unlocked(struct scene* s) {
    FILE* const before = exchange_stdin(s->file);
    const int letter = (getchar_unlocked)();
    exchange_stdin(before);
    return ok(letter == '7');
}
static long call_getw(struct scene* s) {
    return ok(getw(s->file) != EOF);
}
static long call_uflow(struct scene* s) {
    return ok(__uflow(s->file) == '7');
}
static long call_underflow(struct scene* s) {
    return ok(__underflow(s->file) == '7');
}
static long got_line(ssize_t length, char* line) {
    free(line);
    return ok(length == 4);
}
static long call_getline(struct scene* s) {
    char* line = NULL;
    size_t room = 0;
    clearerr(s->file); /* else it fails with what was there */
    const ssize_t length = getline(&line, &room, s->file);
    return got_line(length, line);
}
static long call_getdelim(struct scene* s) {
    char* line = NULL;
    size_t room = 0;
    clearerr(s->file); /* else it fails with what was there */
    const ssize_t length = getdelim(&line, &room, '\n', s->file);
    return got_line(length, line);
}
static long call_getdelim_internal(struct scene* s) {
    char* line = NULL;
    size_t room = 0;
    clearerr(s->file); /* else it fails with what was there */
    const ssize_t length = __getdelim(&line, &room, '\n', s->file);
    return got_line(length, line);
}
static long call_fscanf(struct scene* s) {
    int number = 0;
    return ok(__isoc99_fscanf(s->file, "%d", &number) == 1 && number == 7);
}
static long call_scanf(struct scene* s) {
    int number = 0;
    FILE* const before = exchange_stdin(s->file);
    const int count = __isoc99_scanf("%d", &number);
    exchange_stdin(before);
    return ok(count == 1 && number == 7);
}
static int scan(FILE* file, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int count = __isoc99_vfscanf(file, format, arguments);
    va_end(arguments);
    return count;
}
static int scan_stdin(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int count = __isoc99_vscanf(format, arguments);
    va_end(arguments);
    return count;
}
static long call_vfscanf(struct scene* s) {
    int number = 0;
    return ok(scan(s->file, "%d", &number) == 1 && number == 7);
}
static long call_vscanf(struct scene* s) {
    int number = 0;
    FILE* const before = exchange_stdin(s->file);
    const int count = scan_stdin("%d", &number);
    exchange_stdin(before);
    return ok(count == 1 && number == 7);
}

/* ---- writing: to a pipe that is full, without a buffer */

static void buffered(struct scene* s) {
    static const char letters[4096];
    int ends[2];
    begin_scene(s);
    must(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
    s->peer = ends[0];
    s->fd = ends[1];
    while (write(s->fd, letters, sizeof letters) > 0) {
    }
    fcntl(s->fd, F_SETFL, 0);
    s->file = fdopen(s->fd, "w");
    must(s->file != NULL, "fdopen");
}
static void unbuffered(struct scene* s) {
    buffered(s);
    setvbuf(s->file, NULL, _IONBF, 0);
}
static void empty_and_unbuffered(struct scene* s) {
    unbuffered(s);
    while (read(s->peer, s->buffer, big_size) > 0) {
    }
    fcntl(s->peer, F_SETFL, 0);
}
/* What was there from the start. */
static void drain(struct scene* s) {
    while (read(s->peer, s->buffer, 4096) == 4096) {
    }
}
static FILE* exchange_stdout(FILE* file) {
    FILE* const before = stdout;
    stdout = file;
    return before;
}

static long call_fwrite(struct scene* s) {
    const size_t count = fwrite(s->buffer, 1, big_size, s->file);
    return count == 0 ? -1 : (long)count;
}
static long call_fwrite_unlocked(struct scene* s) {
    const size_t count = fwrite_unlocked(s->buffer, 1, big_size, s->file);
    return count == 0 ? -1 : (long)count;
}
static long call_fputs(struct scene* s) {
    return ok(fputs("x", s->file) >= 0);
}
static long call_fputs_unlocked(struct scene* s) {
    return ok(fputs_unlocked("x", s->file) >= 0);
}
static long call_puts(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = puts("x");
    exchange_stdout(before);
    return ok(result >= 0);
}
static long call_fputc(struct scene* s) {
    return ok(fputc('x', s->file) == 'x');
}
static long call_putc(struct scene* s) {
    return ok((putc)('x', s->file) == 'x');
}
static long call_io_putc(struct scene* s) {
    return ok(_IO_putc('x', s->file) == 'x');
}
static long call_putchar(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = putchar('x');
    exchange_stdout(before);
    return ok(result == 'x');
}
static long call_fputc_unlocked(struct scene* s) {
    return ok((fputc_unlocked)('x', s->file) == 'x');
}
static long call_putc_unlocked(struct scene* s) {
    return ok((putc_unlocked)('x', s->file) == 'x');
}
static long call_putchar_unlocked(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = (putchar_unlocked)('x');
    exchange_stdout(before);
    return ok(result == 'x');
}
static long call_putw(struct scene* s) {
    return ok(putw(7, s->file) == 0);
}
static long call_overflow(struct scene* s) {
    return ok(__overflow(s->file, 'x') == 'x');
}
static long call_fprintf(struct scene* s) {
    return ok(fprintf(s->file, "%d", 10) == 2);
}
static long call_fprintf_chk(struct scene* s) {
    return ok(__fprintf_chk(s->file, 1, "%d", 10) == 2);
}
static long call_printf(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = printf("%d", 10);
    exchange_stdout(before);
    return ok(result == 2);
}
static long call_printf_chk(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = __printf_chk(1, "%d", 10);
    exchange_stdout(before);
    return ok(result == 2);
}
static long call_dprintf(struct scene* s) {
    return ok(dprintf(s->fd, "%d", 10) == 2);
}
static long call_dprintf_chk(struct scene* s) {
    return ok(__dprintf_chk(s->fd, 1, "%d", 10) == 2);
}

enum v_form { to_file, to_file_chk, to_stdout, to_stdout_chk, to_fd, to_fd_chk };
static int print(enum v_form form, struct scene* s, const char* format, ...) {
    int result = -1;
    va_list arguments;
    va_start(arguments, format);
    switch (form) {
        case to_file:
            result = vfprintf(s->file, format, arguments);
            break;
        case to_file_chk:
            result = __vfprintf_chk(s->file, 1, format, arguments);
            break;
        case to_stdout:
            result = vprintf(format, arguments);
            break;
        case to_stdout_chk:
            result = __vprintf_chk(1, format, arguments);
            break;
        case to_fd:
            result = vdprintf(s->fd, format, arguments);
            break;
        case to_fd_chk:
            result = __vdprintf_chk(s->fd, 1, format, arguments);
            break;
    }
    va_end(arguments);
    return result;
}
static long call_vfprintf(struct scene* s) {
    return ok(print(to_file, s, "%d", 10) == 2);
}
static long call_vfprintf_chk(struct scene* s) {
    return ok(print(to_file_chk, s, "%d", 10) == 2);
}
static long call_vprintf(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = print(to_stdout, s, "%d", 10);
    exchange_stdout(before);
    return ok(result == 2);
}
static long call_vprintf_chk(struct scene* s) {
    FILE* const before = exchange_stdout(s->file);
    const int result = print(to_stdout_chk, s, "%d", 10);
    exchange_stdout(before);
    return ok(result == 2);
}
static long call_vdprintf(struct scene* s) {
    return ok(print(to_fd, s, "%d", 10) == 2);
}
static long call_vdprintf_chk(struct scene* s) {
    return ok(print(to_fd_chk, s, "%d", 10) == 2);
}
/* perror tells nobody how it went, but for errno and the FILE's error mark. */
static long call_perror(struct scene* s) {
    FILE* const before = stderr;
    const int error = errno;
    fwide(s->file, -1); /* else it tries a FILE of its own first */
    errno = ENOENT;
    stderr = s->file;
    perror("x");
    stderr = before;
    if (errno == ENOENT) errno = error;
    const long result = ok(!ferror(s->file));
    clearerr(s->file);
    return result;
}

/* ---- what writes out the buffer */

static int hold_letter(struct scene* s) {
    return fputs("x", s->file) >= 0;
}
/* A pipe has no position: when that is what was found in the end, all that went before was done. */
static long came_to_seek(int before) {
    if (errno != ESPIPE) return -1;
    errno = before;
    return 1;
}

static long call_fflush(struct scene* s) {
    if (!hold_letter(s)) return -1;
    return ok(fflush(s->file) == 0);
}
static long call_fflush_unlocked(struct scene* s) {
    if (!hold_letter(s)) return -1;
    return ok(fflush_unlocked(s->file) == 0);
}
static long call_fclose(struct scene* s) {
    FILE* const file = s->file;
    if (!hold_letter(s)) return -1;
    s->file = NULL;
    s->fd = -1;
    return ok(fclose(file) == 0);
}
static long call_freopen(struct scene* s) {
    if (!hold_letter(s)) return -1;
    return ok(freopen("/dev/null", "w", s->file) == s->file);
}
static long call_freopen64(struct scene* s) {
    if (!hold_letter(s)) return -1;
    return ok(freopen64("/dev/null", "w", s->file) == s->file);
}
static long call_fseek(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    (void)!fseek(s->file, 0, SEEK_SET);
    return came_to_seek(before);
}
static long call_fseeko(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    (void)!fseeko(s->file, 0, SEEK_SET);
    return came_to_seek(before);
}
static long call_fseeko64(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    (void)!fseeko64(s->file, 0, SEEK_SET);
    return came_to_seek(before);
}
static long call_rewind(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    rewind(s->file);
    return came_to_seek(before);
}
static long call_fsetpos(struct scene* s) {
    const int before = errno;
    fpos_t start;
    memset(&start, 0, sizeof start);
    if (!hold_letter(s)) return -1;
    (void)!fsetpos(s->file, &start);
    return came_to_seek(before);
}
static long call_fsetpos64(struct scene* s) {
    const int before = errno;
    fpos64_t start;
    memset(&start, 0, sizeof start);
    if (!hold_letter(s)) return -1;
    (void)!fsetpos64(s->file, &start);
    return came_to_seek(before);
}
static long call_setvbuf(struct scene* s) {
    if (!hold_letter(s)) return -1;
    return ok(setvbuf(s->file, NULL, _IONBF, 0) == 0);
}
static long written_out(int before) {
    return ok(errno == before);
}
static long call_setbuf(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    setbuf(s->file, NULL);
    return written_out(before);
}
static long call_setbuffer(struct scene* s) {
    const int before = errno;
    if (!hold_letter(s)) return -1;
    setbuffer(s->file, NULL, 0);
    return written_out(before);
}

/* ---- a FILE that another thread holds until there is a letter */

static void* hold_file(void* scene) {
    struct scene* const s = scene;
    char letter;
    flockfile(s->file);
    must(read(s->more[0], &letter, 1) == 1, "read");
    funlockfile(s->file);
    return NULL;
}
static void held_by_thread(struct scene* s) {
    begin_scene(s);
    int ends[2];
    must(pipe(ends) == 0, "pipe");
    s->more[0] = ends[0];
    s->peer = ends[1];
    s->file = fopen("/dev/zero", "r");
    must(s->file != NULL, "fopen");
    must(pthread_create(&s->thread, NULL, hold_file, s) == 0, "pthread_create");
    s->thread_runs = 1;
    while (ftrylockfile(s->file) == 0) {
        funlockfile(s->file);
        sched_yield();
    }
}
static void send_letter(struct scene* s) {
    must(write(s->peer, "x", 1) == 1, "write");
}

static long call_flockfile(struct scene* s) {
    flockfile(s->file);
    funlockfile(s->file);
    return 1;
}
static long call_ungetc(struct scene* s) {
    return ok(ungetc('x', s->file) == 'x');
}
static long call_ftell(struct scene* s) {
    return ok(ftell(s->file) == 0);
}
static long call_ftello(struct scene* s) {
    return ok(ftello(s->file) == 0);
}
static long call_ftello64(struct scene* s) {
    return ok(ftello64(s->file) == 0);
}
static long call_fgetpos(struct scene* s) {
    fpos_t position;
    return ok(fgetpos(s->file, &position) == 0);
}
static long call_fgetpos64(struct scene* s) {
    fpos64_t position;
    return ok(fgetpos64(s->file, &position) == 0);
}
static long call_setlinebuf(struct scene* s) {
    setlinebuf(s->file);
    return 1;
}

const struct blocking_call blocking_stdio[] = {
    {"fread", reading, call_fread, send_line, ends_by_release, 1},
    {"fread_unlocked", reading, call_fread_unlocked, send_line, ends_by_release, 1},
    {"__fread_chk", reading, call_fread_chk, send_line, ends_by_release, 1},
    {"__fread_unlocked_chk", reading, call_fread_unlocked_chk, send_line, ends_by_release, 1},
    {"fgets", reading, call_fgets, send_line, ends_by_release, 1},
    {"fgets_unlocked", reading, call_fgets_unlocked, send_line, ends_by_release, 1},
    {"__fgets_chk", reading, call_fgets_chk, send_line, ends_by_release, 1},
    {"__fgets_unlocked_chk", reading, call_fgets_unlocked_chk, send_line, ends_by_release, 1},
    {"fgetc", reading, call_fgetc, send_line, ends_by_release, 1},
    {"getc", reading, call_getc, send_line, ends_by_release, 1},
    {"_IO_getc", reading, call_io_getc, send_line, ends_by_release, 1},
    {"getchar", reading, call_getchar, send_line, ends_by_release, 1},
    {"fgetc_unlocked", reading, call_fgetc_unlocked, send_line, ends_by_release, 1},
    {"getc_unlocked", reading, call_getc_unlocked, send_line, ends_by_release, 1},
    {"getchar_unlocked", reading, call_getchar_unlocked, send_line, ends_by_release, 1},
    {"getw", reading, call_getw, send_line, ends_by_release, 1},
    {"__uflow", reading, call_uflow, send_line, ends_by_release, 1},
    {"__underflow", reading, call_underflow, send_line, ends_by_release, 1},
    {"getline", reading, call_getline, send_line, ends_by_release, 1},
    {"getdelim", reading, call_getdelim, send_line, ends_by_release, 1},
    {"__getdelim", reading, call_getdelim_internal, send_line, ends_by_release, 1},
    {"__isoc99_fscanf", reading, call_fscanf, send_line, ends_by_release, 1},
    {"__isoc99_scanf", reading, call_scanf, send_line, ends_by_release, 1},
    {"__isoc99_vfscanf", reading, call_vfscanf, send_line, ends_by_release, 1},
    {"__isoc99_vscanf", reading, call_vscanf, send_line, ends_by_release, 1},
    {"fwrite", empty_and_unbuffered, call_fwrite, take_all, ends_by_release, big_size},
    {"fwrite_unlocked", empty_and_unbuffered, call_fwrite_unlocked, take_all, ends_by_release,
     big_size},
    {"fputs", unbuffered, call_fputs, drain, ends_by_release, 1},
    {"fputs_unlocked", unbuffered, call_fputs_unlocked, drain, ends_by_release, 1},
    {"puts", unbuffered, call_puts, drain, ends_by_release, 1},
    {"fputc", unbuffered, call_fputc, drain, ends_by_release, 1},
    {"putc", unbuffered, call_putc, drain, ends_by_release, 1},
    {"_IO_putc", unbuffered, call_io_putc, drain, ends_by_release, 1},
    {"putchar", unbuffered, call_putchar, drain, ends_by_release, 1},
    {"fputc_unlocked", unbuffered, call_fputc_unlocked, drain, ends_by_release, 1},
    {"putc_unlocked", unbuffered, call_putc_unlocked, drain, ends_by_release, 1},
    {"putchar_unlocked", unbuffered, call_putchar_unlocked, drain, ends_by_release, 1},
    {"putw", unbuffered, call_putw, drain, ends_by_release, 1},
    {"__overflow", unbuffered, call_overflow, drain, ends_by_release, 1},
    {"fprintf", unbuffered, call_fprintf, drain, ends_by_release, 1},
    {"printf", unbuffered, call_printf, drain, ends_by_release, 1},
    {"vfprintf", unbuffered, call_vfprintf, drain, ends_by_release, 1},
    {"vprintf", unbuffered, call_vprintf, drain, ends_by_release, 1},
    {"__fprintf_chk", unbuffered, call_fprintf_chk, drain, ends_by_release, 1},
    {"__printf_chk", unbuffered, call_printf_chk, drain, ends_by_release, 1},
    {"__vfprintf_chk", unbuffered, call_vfprintf_chk, drain, ends_by_release, 1},
    {"__vprintf_chk", unbuffered, call_vprintf_chk, drain, ends_by_release, 1},
    {"dprintf", unbuffered, call_dprintf, drain, ends_by_release, 1},
    {"vdprintf", unbuffered, call_vdprintf, drain, ends_by_release, 1},
    {"__dprintf_chk", unbuffered, call_dprintf_chk, drain, ends_by_release, 1},
    {"__vdprintf_chk", unbuffered, call_vdprintf_chk, drain, ends_by_release, 1},
    {"perror", unbuffered, call_perror, drain, ends_by_release, 1},
    {"fflush", buffered, call_fflush, drain, ends_by_release, 1},
    {"fflush_unlocked", buffered, call_fflush_unlocked, drain, ends_by_release, 1},
    {"fclose", buffered, call_fclose, drain, ends_by_release, 1},
    {"freopen", buffered, call_freopen, drain, ends_by_release, 1},
    {"freopen64", buffered, call_freopen64, drain, ends_by_release, 1},
    {"fseek", buffered, call_fseek, drain, ends_by_release, 1},
    {"fseeko", buffered, call_fseeko, drain, ends_by_release, 1},
    {"fseeko64", buffered, call_fseeko64, drain, ends_by_release, 1},
    {"rewind", buffered, call_rewind, drain, ends_by_release, 1},
    {"fsetpos", buffered, call_fsetpos, drain, ends_by_release, 1},
    {"fsetpos64", buffered, call_fsetpos64, drain, ends_by_release, 1},
    {"setvbuf", buffered, call_setvbuf, drain, ends_by_release, 1},
    {"setbuf", buffered, call_setbuf, drain, ends_by_release, 1},
    {"setbuffer", buffered, call_setbuffer, drain, ends_by_release, 1},
    {"flockfile", held_by_thread, call_flockfile, send_letter, ends_by_release, 1},
    {"ungetc", held_by_thread, call_ungetc, send_letter, ends_by_release, 1},
    {"ftell", held_by_thread, call_ftell, send_letter, ends_by_release, 1},
    {"ftello", held_by_thread, call_ftello, send_letter, ends_by_release, 1},
    {"ftello64", held_by_thread, call_ftello64, send_letter, ends_by_release, 1},
    {"fgetpos", held_by_thread, call_fgetpos, send_letter, ends_by_release, 1},
    {"fgetpos64", held_by_thread, call_fgetpos64, send_letter, ends_by_release, 1},
    {"setlinebuf", held_by_thread, call_setlinebuf, send_letter, ends_by_release, 1},
};
const int blocking_stdio_count = sizeof blocking_stdio / sizeof *blocking_stdio;

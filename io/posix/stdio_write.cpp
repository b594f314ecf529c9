// stdio calls that write. What waits is write(2), inside libc (stdio_slots.cpp).

#include "posix/interpose.hpp"
#include "posix/libc_stdio.hpp"
#include "posix/stdio_files.hpp"

using namespace brio::detail::posix;

extern "C" {

size_t brio_posix_fwrite(const void* data, size_t size, size_t count, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fwrite(data, size, count, file); });
}
size_t brio_posix_fwrite_unlocked(const void* data, size_t size, size_t count, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fwrite_unlocked(data, size, count, file); });
}
int brio_posix_fputs(const char* text, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fputs(text, file); });
}
int brio_posix_fputs_unlocked(const char* text, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fputs_unlocked(text, file); });
}
int brio_posix_puts(const char* text) {
    return on_file(stdout, [=] { return libc_stdio().puts(text); });
}
void brio_posix_perror(const char* text) {
    on_file(stderr, [=] { libc_stdio().perror(text); });
}

int brio_posix_fputc(int letter, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fputc(letter, file); });
}
int brio_posix_putchar(int letter) {
    return brio_posix_fputc(letter, stdout);
}
int brio_posix_fputc_unlocked(int letter, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fputc_unlocked(letter, file); });
}
int brio_posix_putchar_unlocked(int letter) {
    return brio_posix_fputc_unlocked(letter, stdout);
}
int brio_posix_putw(int word, FILE* file) {
    return on_file(file, [=] { return libc_stdio().putw(word, file); });
}
// What the inline functions of the headers call when the buffer is full.
int brio_posix___overflow(FILE* file, int letter) {
    return on_file(file, [=] { return libc_stdio().__overflow(file, letter); });
}

int brio_posix_vfprintf(FILE* file, const char* format, va_list arguments) {
    return on_file(file, [&] { return libc_stdio().vfprintf(file, format, arguments); });
}
int brio_posix_vprintf(const char* format, va_list arguments) {
    return brio_posix_vfprintf(stdout, format, arguments);
}
int brio_posix_fprintf(FILE* file, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix_vfprintf(file, format, arguments);
    va_end(arguments);
    return result;
}
int brio_posix_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix_vfprintf(stdout, format, arguments);
    va_end(arguments);
    return result;
}

int brio_posix___vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments) {
    return on_file(file,
                   [&] { return libc_stdio().__vfprintf_chk(file, flag, format, arguments); });
}
int brio_posix___vprintf_chk(int flag, const char* format, va_list arguments) {
    return brio_posix___vfprintf_chk(stdout, flag, format, arguments);
}
int brio_posix___fprintf_chk(FILE* file, int flag, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix___vfprintf_chk(file, flag, format, arguments);
    va_end(arguments);
    return result;
}
int brio_posix___printf_chk(int flag, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix___vfprintf_chk(stdout, flag, format, arguments);
    va_end(arguments);
    return result;
}

// libc makes a FILE for the call, which nobody else knows.
int brio_posix_vdprintf(int fd, const char* format, va_list arguments) {
    return on_file(nullptr, [&] { return libc_stdio().vdprintf(fd, format, arguments); });
}
int brio_posix_dprintf(int fd, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix_vdprintf(fd, format, arguments);
    va_end(arguments);
    return result;
}
int brio_posix___vdprintf_chk(int fd, int flag, const char* format, va_list arguments) {
    return on_file(nullptr,
                   [&] { return libc_stdio().__vdprintf_chk(fd, flag, format, arguments); });
}
int brio_posix___dprintf_chk(int fd, int flag, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix___vdprintf_chk(fd, flag, format, arguments);
    va_end(arguments);
    return result;
}

}  // extern "C"

BRIO_INTERPOSE(fwrite);
BRIO_INTERPOSE(fwrite_unlocked);
BRIO_INTERPOSE(fputs);
BRIO_INTERPOSE(fputs_unlocked);
BRIO_INTERPOSE(puts);
BRIO_INTERPOSE(perror);
BRIO_INTERPOSE(fputc);
BRIO_INTERPOSE_ALIAS(putc, fputc);
BRIO_INTERPOSE_ALIAS(_IO_putc, fputc);
BRIO_INTERPOSE(putchar);
BRIO_INTERPOSE(fputc_unlocked);
BRIO_INTERPOSE_ALIAS(putc_unlocked, fputc_unlocked);
BRIO_INTERPOSE(putchar_unlocked);
BRIO_INTERPOSE(putw);
BRIO_INTERPOSE(__overflow);
BRIO_INTERPOSE(printf);
BRIO_INTERPOSE(fprintf);
BRIO_INTERPOSE(dprintf);
BRIO_INTERPOSE(vprintf);
BRIO_INTERPOSE(vfprintf);
BRIO_INTERPOSE(vdprintf);
BRIO_INTERPOSE(__printf_chk);
BRIO_INTERPOSE(__fprintf_chk);
BRIO_INTERPOSE(__dprintf_chk);
BRIO_INTERPOSE(__vprintf_chk);
BRIO_INTERPOSE(__vfprintf_chk);
BRIO_INTERPOSE(__vdprintf_chk);

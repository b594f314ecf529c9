#pragma once
// libc's own stdio functions behind the hooks, as real.hpp has the others. Looked up by the first call
// of one; dynamically linked programs only.

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <stdio_ext.h>

// Exported by libc, declared nowhere (or under names of their own): what _FORTIFY_SOURCE, C99 and the
// inline functions of older headers make of calls, and libc's list of open streams.
extern "C" {
size_t __fread_chk(void* data, size_t room, size_t size, size_t count, FILE* file);
size_t __fread_unlocked_chk(void* data, size_t room, size_t size, size_t count, FILE* file);
char* __fgets_chk(char* text, size_t room, int size, FILE* file);
char* __fgets_unlocked_chk(char* text, size_t room, int size, FILE* file);
int __underflow(FILE* file);
int _IO_getc(FILE* file);
int _IO_putc(int letter, FILE* file);
int __isoc99_scanf(const char* format, ...);
int __isoc99_fscanf(FILE* file, const char* format, ...);
int __isoc99_vscanf(const char* format, va_list arguments);
int __isoc99_vfscanf(FILE* file, const char* format, va_list arguments);
int __printf_chk(int flag, const char* format, ...);
int __fprintf_chk(FILE* file, int flag, const char* format, ...);
int __dprintf_chk(int fd, int flag, const char* format, ...);
int __vprintf_chk(int flag, const char* format, va_list arguments);
int __vfprintf_chk(FILE* file, int flag, const char* format, va_list arguments);
int __vdprintf_chk(int fd, int flag, const char* format, va_list arguments);
void _IO_list_lock(void);
void _IO_list_unlock(void);
FILE* _IO_iter_begin(void);
FILE* _IO_iter_next(FILE* at);
}

namespace brio::inline v0::detail::posix {

// clang-format off
#define BRIO_STDIO_FUNCTIONS(X) \
    X(fread) X(fread_unlocked) X(__fread_chk) X(__fread_unlocked_chk) X(fgets) X(fgets_unlocked) \
    X(__fgets_chk) X(__fgets_unlocked_chk) X(fgetc) X(fgetc_unlocked) X(getdelim) X(ungetc) X(getw) \
    X(__uflow) X(__underflow) X(__isoc99_vfscanf) X(fwrite) X(fwrite_unlocked) X(fputs) \
    X(fputs_unlocked) X(fputc) X(fputc_unlocked) X(puts) X(putw) X(__overflow) X(vfprintf) \
    X(__vfprintf_chk) X(vdprintf) X(__vdprintf_chk) X(perror) X(fflush) X(fflush_unlocked) \
    X(fopen) X(fclose) X(freopen) X(fseek) X(fseeko) X(ftell) X(ftello) X(rewind) X(fgetpos) X(fsetpos) \
    X(setvbuf) X(flockfile) X(ftrylockfile) X(funlockfile) X(_IO_list_lock) X(_IO_list_unlock) \
    X(_IO_iter_begin) X(_IO_iter_next)
// clang-format on

struct stdio_functions {
#define BRIO_STDIO_MEMBER(name) decltype(&::name) name;
    BRIO_STDIO_FUNCTIONS(BRIO_STDIO_MEMBER)
#undef BRIO_STDIO_MEMBER
};

/// Any thread, also before the constructors.
[[nodiscard]] const stdio_functions& libc_stdio() noexcept;

}  // namespace brio::inline v0::detail::posix

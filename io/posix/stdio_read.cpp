// stdio calls that read. What waits is read(2), inside libc (stdio_slots.cpp).

#include "posix/interpose.hpp"
#include "posix/libc_stdio.hpp"
#include "posix/stdio_files.hpp"

using namespace brio::detail::posix;

extern "C" {

size_t brio_posix_fread(void* data, size_t size, size_t count, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fread(data, size, count, file); });
}
size_t brio_posix_fread_unlocked(void* data, size_t size, size_t count, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fread_unlocked(data, size, count, file); });
}
size_t brio_posix___fread_chk(void* data, size_t room, size_t size, size_t count, FILE* file) {
    return on_file(file, [=] { return libc_stdio().__fread_chk(data, room, size, count, file); });
}
size_t brio_posix___fread_unlocked_chk(void* data, size_t room, size_t size, size_t count,
                                       FILE* file) {
    return on_file(
        file, [=] { return libc_stdio().__fread_unlocked_chk(data, room, size, count, file); });
}

char* brio_posix_fgets(char* text, int size, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fgets(text, size, file); });
}
char* brio_posix_fgets_unlocked(char* text, int size, FILE* file) {
    return on_file(file, [=] { return libc_stdio().fgets_unlocked(text, size, file); });
}
char* brio_posix___fgets_chk(char* text, size_t room, int size, FILE* file) {
    return on_file(file, [=] { return libc_stdio().__fgets_chk(text, room, size, file); });
}
char* brio_posix___fgets_unlocked_chk(char* text, size_t room, int size, FILE* file) {
    return on_file(file, [=] { return libc_stdio().__fgets_unlocked_chk(text, room, size, file); });
}

int brio_posix_fgetc(FILE* file) {
    return on_file(file, [=] { return libc_stdio().fgetc(file); });
}
int brio_posix_getchar() {
    return brio_posix_fgetc(stdin);
}
int brio_posix_fgetc_unlocked(FILE* file) {
    return on_file(file, [=] { return libc_stdio().fgetc_unlocked(file); });
}
int brio_posix_getchar_unlocked() {
    return brio_posix_fgetc_unlocked(stdin);
}
int brio_posix_ungetc(int letter, FILE* file) {
    return on_file(file, [=] { return libc_stdio().ungetc(letter, file); });
}
int brio_posix_getw(FILE* file) {
    return on_file(file, [=] { return libc_stdio().getw(file); });
}

// What the inline functions of the headers call when the buffer is empty.
int brio_posix___uflow(FILE* file) {
    return on_file(file, [=] { return libc_stdio().__uflow(file); });
}
int brio_posix___underflow(FILE* file) {
    return on_file(file, [=] { return libc_stdio().__underflow(file); });
}

ssize_t brio_posix_getdelim(char** line, size_t* room, int end, FILE* file) {
    return on_file(file, [=] { return libc_stdio().getdelim(line, room, end, file); });
}
ssize_t brio_posix_getline(char** line, size_t* room, FILE* file) {
    return brio_posix_getdelim(line, room, '\n', file);
}

// C99's scanf, to which every compiler mode since has been led by the headers.
int brio_posix___isoc99_vfscanf(FILE* file, const char* format, va_list arguments) {
    return on_file(file, [&] { return libc_stdio().__isoc99_vfscanf(file, format, arguments); });
}
int brio_posix___isoc99_vscanf(const char* format, va_list arguments) {
    return brio_posix___isoc99_vfscanf(stdin, format, arguments);
}
int brio_posix___isoc99_fscanf(FILE* file, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix___isoc99_vfscanf(file, format, arguments);
    va_end(arguments);
    return result;
}
int brio_posix___isoc99_scanf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = brio_posix___isoc99_vfscanf(stdin, format, arguments);
    va_end(arguments);
    return result;
}

}  // extern "C"

BRIO_INTERPOSE(fread);
BRIO_INTERPOSE(fread_unlocked);
BRIO_INTERPOSE(__fread_chk);
BRIO_INTERPOSE(__fread_unlocked_chk);
BRIO_INTERPOSE(fgets);
BRIO_INTERPOSE(fgets_unlocked);
BRIO_INTERPOSE(__fgets_chk);
BRIO_INTERPOSE(__fgets_unlocked_chk);
BRIO_INTERPOSE(fgetc);
BRIO_INTERPOSE_ALIAS(getc, fgetc);
BRIO_INTERPOSE_ALIAS(_IO_getc, fgetc);
BRIO_INTERPOSE(getchar);
BRIO_INTERPOSE(fgetc_unlocked);
BRIO_INTERPOSE_ALIAS(getc_unlocked, fgetc_unlocked);
BRIO_INTERPOSE(getchar_unlocked);
BRIO_INTERPOSE(ungetc);
BRIO_INTERPOSE(getw);
BRIO_INTERPOSE(__uflow);
BRIO_INTERPOSE(__underflow);
BRIO_INTERPOSE(getdelim);
BRIO_INTERPOSE_ALIAS(__getdelim, getdelim);
BRIO_INTERPOSE(getline);
BRIO_INTERPOSE(__isoc99_scanf);
BRIO_INTERPOSE(__isoc99_fscanf);
BRIO_INTERPOSE(__isoc99_vscanf);
BRIO_INTERPOSE(__isoc99_vfscanf);

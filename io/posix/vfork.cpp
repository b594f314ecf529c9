// vfork: the child runs on its parent's stack and in its memory, thread-locals included, until it has executed
// or ended. So whatever the layer or a loop did there it would do to the parent. While a child runs every call
// is libc's own; the parent, which comes back from the same call later, ends that.
//
// The child returns from the call first, and what it calls then uses the stack below the caller's frame: the
// parent finds nothing of this function's own frame. So there is none.

#include "posix/caller.hpp"
#include "posix/interpose.hpp"
#include "posix/real.hpp"

#include <cerrno>
#include <unistd.h>

using namespace brio::detail::posix;

extern "C" {

// The children of this thread that run in its memory.
__attribute__((visibility("hidden"),
               tls_model("initial-exec"))) constinit thread_local int brio_posix_vfork_children = 0;

__attribute__((visibility("hidden"), used)) int brio_posix_vfork_failed(int error) noexcept {
    errno = error;
    return -1;
}

pid_t brio_posix_vfork() noexcept;
}

#if defined(__x86_64__)

// The return address waits in rdi, which a system call leaves alone, and goes back to its place twice.
asm(R"(
    .text
    .globl brio_posix_vfork
    .hidden brio_posix_vfork
    .type brio_posix_vfork, @function
brio_posix_vfork:
    movq brio_posix_vfork_children@gottpoff(%rip), %rsi
    incl %fs:(%rsi)
    popq %rdi
    movl $58, %eax
    syscall
    pushq %rdi
    testl %eax, %eax
    jz 1f
    decl %fs:(%rsi)
    cmpl $-4095, %eax
    jae 2f
1:  ret
2:  negl %eax
    movl %eax, %edi
    jmp brio_posix_vfork_failed
    .size brio_posix_vfork, . - brio_posix_vfork
    .globl vfork
    .set vfork, brio_posix_vfork
)");

#elif defined(__aarch64__)

// clone with CLONE_VM | CLONE_VFORK and SIGCHLD; the return address is in x30 all the time.
asm(R"(
    .text
    .globl brio_posix_vfork
    .hidden brio_posix_vfork
    .type brio_posix_vfork, %function
brio_posix_vfork:
    adrp x9, :gottprel:brio_posix_vfork_children
    ldr x9, [x9, #:gottprel_lo12:brio_posix_vfork_children]
    mrs x10, tpidr_el0
    add x9, x9, x10
    ldr w10, [x9]
    add w10, w10, #1
    str w10, [x9]
    mov x0, #0x4111
    mov x1, #0
    mov x2, #0
    mov x3, #0
    mov x4, #0
    mov x8, #220
    svc #0
    cbz x0, 1f
    ldr w10, [x9]
    sub w10, w10, #1
    str w10, [x9]
    cmn x0, #4095
    b.hs 2f
1:  ret
2:  neg w0, w0
    b brio_posix_vfork_failed
    .size brio_posix_vfork, . - brio_posix_vfork
    .globl vfork
    .set vfork, brio_posix_vfork
)");

#else

// A child with memory of its own: who depends on more is wrong on other systems, too.
pid_t brio_posix_vfork() noexcept {
    return ::fork();
}

BRIO_INTERPOSE(vfork);

#endif

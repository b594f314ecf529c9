/* The switch for x86-64 (System V). The interface is in switch.hpp.
 *
 * 1. Left through `call` and continued through `ret`: an indirect jump would leave the return-address predictor one
 *    entry out of step, and the next `ret` of the caller would be mispredicted (7 ns where measured).
 * 2. The saved frame is the same for every suspended execution, so the unwind table holds before and after the change
 *    of the stack pointer:  errno r15 r14 r13 r12 rbx rbp return-address.
 * 3. Marked for indirect-branch tracking, not for shadow stacks: those would need a second stack switched along.
 */
    .text

    .globl  brio_v0_switch_stack
    .hidden brio_v0_switch_stack
    .type   brio_v0_switch_stack, @function
    .balign 16
brio_v0_switch_stack:                   /* rdi: void** save, rsi: void* load, rdx: int* error_number */
    .cfi_startproc
    endbr64
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movl    (%rdx), %eax
    pushq   %rax
    .cfi_adjust_cfa_offset 8
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    popq    %rax
    .cfi_adjust_cfa_offset -8
    movl    %eax, (%rdx)
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    ret
    .cfi_endproc
    .size   brio_v0_switch_stack, . - brio_v0_switch_stack

    .globl  brio_v0_continue_stack
    .hidden brio_v0_continue_stack
    .type   brio_v0_continue_stack, @function
    .balign 16
brio_v0_continue_stack:                 /* rdi: void* load, rsi: int* error_number */
    movq    %rdi, %rsp
    popq    %rax
    movl    %eax, (%rsi)
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    popq    %rcx
    notrack jmpq *%rcx
    .size   brio_v0_continue_stack, . - brio_v0_continue_stack

    .globl  brio_v0_call_as_from
    .hidden brio_v0_call_as_from
    .type   brio_v0_call_as_from, @function
    .balign 16
brio_v0_call_as_from:                   /* rdi: void* suspended, rsi: function, rdx: argument */
    .cfi_startproc
    endbr64
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    movq    %rdi, %rbx
    movq    %rdx, %rdi
    .cfi_remember_state
    .cfi_def_cfa %rbx, 64               /* from here on the caller is the suspended one */
    .cfi_offset %r15, -56
    .cfi_offset %r14, -48
    .cfi_offset %r13, -40
    .cfi_offset %r12, -32
    .cfi_offset %rbx, -24
    .cfi_offset %rbp, -16
    call    *%rsi
    .cfi_restore_state
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    ret
    .cfi_endproc
    .size   brio_v0_call_as_from, . - brio_v0_call_as_from

    .type   first_frame, @function
    .balign 16
first_frame_unwind:                     /* the unwinder looks up the byte before a return address */
    .cfi_startproc
    .cfi_undefined %rip
    nop
first_frame:                            /* r12: argument, r13: entry, rbp: 0, rsp: top */
    movq    %r12, %rdi
    leaq    returned(%rip), %rax        /* not called: the predictor would wait for its return */
    pushq   %rax
    jmpq    *%r13
returned:
    ud2
    .cfi_endproc
    .size   first_frame, . - first_frame

    .globl  brio_v0_prepare_stack
    .hidden brio_v0_prepare_stack
    .type   brio_v0_prepare_stack, @function
    .balign 16
brio_v0_prepare_stack:                  /* rdi: top, rsi: entry, rdx: argument */
    .cfi_startproc
    endbr64
    leaq    first_frame(%rip), %rcx
    xorl    %eax, %eax
    movq    %rcx, -8(%rdi)
    movq    %rax, -16(%rdi)             /* rbp: zero ends a walk along frame pointers */
    movq    %rax, -24(%rdi)
    movq    %rdx, -32(%rdi)             /* r12 */
    movq    %rsi, -40(%rdi)             /* r13 */
    movq    %rax, -48(%rdi)
    movq    %rax, -56(%rdi)
    movq    %rax, -64(%rdi)             /* errno */
    leaq    -64(%rdi), %rax
    ret
    .cfi_endproc
    .size   brio_v0_prepare_stack, . - brio_v0_prepare_stack

    .section .note.gnu.property, "a"
    .balign 8
    .long   4                           /* "GNU" */
    .long   16
    .long   5                           /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000002                  /* GNU_PROPERTY_X86_FEATURE_1_AND */
    .long   4
    .long   1                           /* indirect-branch tracking */
    .long   0

    .section .note.GNU-stack, "", @progbits

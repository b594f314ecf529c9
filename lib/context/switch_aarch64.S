/* The switch for aarch64 (AAPCS64). The interface is in switch.hpp; the rules are those of switch_x86_64.S.
 *
 * The saved frame:  x19 ... x28, x29, x30, d8 ... d15 (the calling convention keeps their low halves only), errno.
 * Marked for branch-target identification; `ret` needs no landing pad, so first_frame has none.
 */
    .text

    .globl  brio_v0_switch_stack
    .hidden brio_v0_switch_stack
    .type   brio_v0_switch_stack, %function
    .balign 16
brio_v0_switch_stack:                   /* x0: void** save, x1: void* load, x2: int* error_number */
    .cfi_startproc
    hint    #34                         /* bti c */
    sub     sp, sp, #176
    .cfi_adjust_cfa_offset 176
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8,  d9,  [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 104
    .cfi_rel_offset d10, 112
    .cfi_rel_offset d11, 120
    .cfi_rel_offset d12, 128
    .cfi_rel_offset d13, 136
    .cfi_rel_offset d14, 144
    .cfi_rel_offset d15, 152
    ldr     w9, [x2]
    str     x9, [sp, #160]
    mov     x9, sp
    str     x9, [x0]
    mov     sp, x1
    ldr     x9, [sp, #160]
    str     w9, [x2]
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8,  d9,  [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #176
    .cfi_adjust_cfa_offset -176
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    ret
    .cfi_endproc
    .size   brio_v0_switch_stack, . - brio_v0_switch_stack

    .globl  brio_v0_continue_stack
    .hidden brio_v0_continue_stack
    .type   brio_v0_continue_stack, %function
    .balign 16
brio_v0_continue_stack:                 /* x0: void* load, x1: int* error_number */
    hint    #34                         /* bti c */
    mov     sp, x0
    ldr     x9, [sp, #160]
    str     w9, [x1]
    ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8,  d9,  [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #176
    ret
    .size   brio_v0_continue_stack, . - brio_v0_continue_stack

    .globl  brio_v0_call_as_from
    .hidden brio_v0_call_as_from
    .type   brio_v0_call_as_from, %function
    .balign 16
brio_v0_call_as_from:                   /* x0: void* suspended, x1: function, x2: argument */
    .cfi_startproc
    hint    #34                         /* bti c */
    stp     x29, x30, [sp, #-32]!
    .cfi_adjust_cfa_offset 32
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    str     x19, [sp, #16]
    .cfi_rel_offset x19, 16
    mov     x29, sp
    mov     x19, x0
    mov     x0, x2
    .cfi_remember_state
    .cfi_def_cfa x19, 176               /* from here on the caller is the suspended one */
    .cfi_offset x19, -176
    .cfi_offset x20, -168
    .cfi_offset x21, -160
    .cfi_offset x22, -152
    .cfi_offset x23, -144
    .cfi_offset x24, -136
    .cfi_offset x25, -128
    .cfi_offset x26, -120
    .cfi_offset x27, -112
    .cfi_offset x28, -104
    .cfi_offset x29, -96
    .cfi_offset x30, -88
    .cfi_offset d8, -80
    .cfi_offset d9, -72
    .cfi_offset d10, -64
    .cfi_offset d11, -56
    .cfi_offset d12, -48
    .cfi_offset d13, -40
    .cfi_offset d14, -32
    .cfi_offset d15, -24
    blr     x1
    .cfi_restore_state
    ldr     x19, [sp, #16]
    ldp     x29, x30, [sp], #32
    .cfi_adjust_cfa_offset -32
    .cfi_restore x19
    .cfi_restore x29
    .cfi_restore x30
    ret
    .cfi_endproc
    .size   brio_v0_call_as_from, . - brio_v0_call_as_from

    .type   first_frame, %function
    .balign 16
first_frame_unwind:                     /* the unwinder looks up the byte before a return address */
    .cfi_startproc
    .cfi_undefined x30
    nop
first_frame:                            /* x19: argument, x20: entry, x29: 0, sp: top */
    mov     x0, x19
    blr     x20
    brk     #0
    .cfi_endproc
    .size   first_frame, . - first_frame

    .globl  brio_v0_prepare_stack
    .hidden brio_v0_prepare_stack
    .type   brio_v0_prepare_stack, %function
    .balign 16
brio_v0_prepare_stack:                  /* x0: top, x1: entry, x2: argument */
    .cfi_startproc
    hint    #34                         /* bti c */
    adr     x9, first_frame
    sub     x0, x0, #176
    stp     x2,  x1,  [x0, #0]          /* x19, x20 */
    stp     xzr, xzr, [x0, #16]
    stp     xzr, xzr, [x0, #32]
    stp     xzr, xzr, [x0, #48]
    stp     xzr, xzr, [x0, #64]
    stp     xzr, x9,  [x0, #80]         /* x29: zero ends a walk along frame pointers */
    stp     xzr, xzr, [x0, #96]
    stp     xzr, xzr, [x0, #112]
    stp     xzr, xzr, [x0, #128]
    stp     xzr, xzr, [x0, #144]
    stp     xzr, xzr, [x0, #160]        /* errno */
    ret
    .cfi_endproc
    .size   brio_v0_prepare_stack, . - brio_v0_prepare_stack

    .section .note.gnu.property, "a"
    .balign 8
    .long   4                           /* "GNU" */
    .long   16
    .long   5                           /* NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000000                  /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .long   4
    .long   1                           /* branch-target identification */
    .long   0

    .section .note.GNU-stack, "", %progbits

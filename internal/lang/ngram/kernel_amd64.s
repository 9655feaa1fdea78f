#include "textflag.h"

DATA lanes<>+0(SB)/8, $0x00ff00ff00ff00ff
GLOBL lanes<>(SB), RODATA|NOPTR, $8

// func addAVX2(rows *uint64, features *uint32, n, shift int, even, odd *[8]uint64)
TEXT ·addAVX2(SB), NOSPLIT, $0-48
	MOVQ         rows+0(FP), SI
	MOVQ         features+8(FP), R9
	MOVQ         n+16(FP), R10
	MOVQ         shift+24(FP), CX
	VPBROADCASTQ lanes<>(SB), Y8
	VPXOR        Y0, Y0, Y0
	VPXOR        Y1, Y1, Y1
	VPXOR        Y2, Y2, Y2
	VPXOR        Y3, Y3, Y3

row:
	CMPQ    R10, $0
	JEQ     end
	MOVL    (R9), AX
	SHRL    CX, AX
	SHLQ    $6, AX
	VMOVDQU (SI)(AX*1), Y4
	VMOVDQU 32(SI)(AX*1), Y5
	VPSRLW  $8, Y4, Y6
	VPSRLW  $8, Y5, Y7
	VPAND   Y8, Y4, Y4
	VPAND   Y8, Y5, Y5
	VPADDW  Y4, Y0, Y0
	VPADDW  Y5, Y1, Y1
	VPADDW  Y6, Y2, Y2
	VPADDW  Y7, Y3, Y3
	ADDQ    $4, R9
	DECQ    R10
	JMP     row

end:
	MOVQ    even+32(FP), DI
	MOVQ    odd+40(FP), DX
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	VMOVDQU Y2, (DX)
	VMOVDQU Y3, 32(DX)
	VZEROUPPER
	RET

#include "textflag.h"

// func dotRowsAVX2(rows *byte, stride int, q *int16, n int, out *int32)
TEXT ·dotRowsAVX2(SB), NOSPLIT, $0-40
	MOVQ rows+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ q+16(FP), R9
	MOVQ n+24(FP), CX
	MOVQ out+32(FP), DI

row:
	MOVQ  R9, R10
	MOVQ  R8, BX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

bytes32:
	VPMOVSXBW (SI), Y2
	VPMOVSXBW 16(SI), Y3
	VPMADDWD  (R10), Y2, Y2
	VPMADDWD  32(R10), Y3, Y3
	VPADDD    Y2, Y0, Y0
	VPADDD    Y3, Y1, Y1
	ADDQ      $32, SI
	ADDQ      $64, R10
	SUBQ      $32, BX
	JNE       bytes32

	VPADDD       Y1, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0x4E, X0, X1
	VPADDD       X1, X0, X0
	VPSHUFD      $0xB1, X0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, AX
	MOVL         AX, (DI)
	ADDQ         $4, DI
	DECQ         CX
	JNE          row
	VZEROUPPER
	RET

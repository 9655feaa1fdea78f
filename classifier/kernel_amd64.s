#include "textflag.h"

// func axpyAVX(a float32, x, y *float32, n int)
TEXT ·axpyAVX(SB), NOSPLIT, $0-32
	VBROADCASTSS a+0(FP), Y0
	MOVQ x+8(FP), SI
	MOVQ y+16(FP), DI
	MOVQ n+24(FP), CX

loop32:
	CMPQ    CX, $32
	JLT     loop8
	VMULPS  (SI), Y0, Y1
	VMULPS  32(SI), Y0, Y2
	VMULPS  64(SI), Y0, Y3
	VMULPS  96(SI), Y0, Y4
	VADDPS  (DI), Y1, Y1
	VADDPS  32(DI), Y2, Y2
	VADDPS  64(DI), Y3, Y3
	VADDPS  96(DI), Y4, Y4
	VMOVUPS Y1, (DI)
	VMOVUPS Y2, 32(DI)
	VMOVUPS Y3, 64(DI)
	VMOVUPS Y4, 96(DI)
	ADDQ    $128, SI
	ADDQ    $128, DI
	SUBQ    $32, CX
	JMP     loop32

loop8:
	CMPQ    CX, $8
	JLT     done
	VMULPS  (SI), Y0, Y1
	VADDPS  (DI), Y1, Y1
	VMOVUPS Y1, (DI)
	ADDQ    $32, SI
	ADDQ    $32, DI
	SUBQ    $8, CX
	JMP     loop8

done:
	VZEROUPPER
	RET

// func dotAVX(x, y *float32, n int, sums *[16]float32)
TEXT ·dotAVX(SB), NOSPLIT, $0-32
	MOVQ   x+0(FP), SI
	MOVQ   y+8(FP), DI
	MOVQ   n+16(FP), CX
	MOVQ   sums+24(FP), DX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1

loop16:
	CMPQ    CX, $16
	JLT     end
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VMULPS  (DI), Y2, Y2
	VMULPS  32(DI), Y3, Y3
	VADDPS  Y2, Y0, Y0
	VADDPS  Y3, Y1, Y1
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, CX
	JMP     loop16

end:
	VMOVUPS Y0, (DX)
	VMOVUPS Y1, 32(DX)
	VZEROUPPER
	RET

// func addRowsAVX2(weights *byte, stride int, ids *int32, coefs *uint32, n int, sums *[64]uint32)
TEXT ·addRowsAVX2(SB), NOSPLIT, $0-48
	MOVQ  weights+0(FP), SI
	MOVQ  stride+8(FP), R8
	MOVQ  ids+16(FP), R9
	MOVQ  coefs+24(FP), R10
	MOVQ  n+32(FP), CX
	MOVQ  sums+40(FP), DX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	VPXOR Y6, Y6, Y6
	VPXOR Y7, Y7, Y7

row:
	CMPQ         CX, $0
	JEQ          rowsEnd
	MOVLQSX      (R9), AX
	IMULQ        R8, AX
	ADDQ         SI, AX
	VPBROADCASTD (R10), Y8
	VPMOVZXBD    0(AX), Y9
	VPMOVZXBD    8(AX), Y10
	VPMOVZXBD    16(AX), Y11
	VPMOVZXBD    24(AX), Y12
	VPMULLD      Y8, Y9, Y9
	VPMULLD      Y8, Y10, Y10
	VPMULLD      Y8, Y11, Y11
	VPMULLD      Y8, Y12, Y12
	VPADDD       Y9, Y0, Y0
	VPADDD       Y10, Y1, Y1
	VPADDD       Y11, Y2, Y2
	VPADDD       Y12, Y3, Y3
	VPMOVZXBD    32(AX), Y9
	VPMOVZXBD    40(AX), Y10
	VPMOVZXBD    48(AX), Y11
	VPMOVZXBD    56(AX), Y12
	VPMULLD      Y8, Y9, Y9
	VPMULLD      Y8, Y10, Y10
	VPMULLD      Y8, Y11, Y11
	VPMULLD      Y8, Y12, Y12
	VPADDD       Y9, Y4, Y4
	VPADDD       Y10, Y5, Y5
	VPADDD       Y11, Y6, Y6
	VPADDD       Y12, Y7, Y7
	ADDQ         $4, R9
	ADDQ         $4, R10
	DECQ         CX
	JMP          row

rowsEnd:
	VMOVDQU Y0, 0(DX)
	VMOVDQU Y1, 32(DX)
	VMOVDQU Y2, 64(DX)
	VMOVDQU Y3, 96(DX)
	VMOVDQU Y4, 128(DX)
	VMOVDQU Y5, 160(DX)
	VMOVDQU Y6, 192(DX)
	VMOVDQU Y7, 224(DX)
	VZEROUPPER
	RET

// func dotBytesAVX2(x *byte, low, high *int16, n int) (a, b int32)
TEXT ·dotBytesAVX2(SB), NOSPLIT, $0-40
	MOVQ  x+0(FP), SI
	MOVQ  low+8(FP), R8
	MOVQ  high+16(FP), R9
	MOVQ  n+24(FP), CX
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1

bytes16:
	CMPQ      CX, $16
	JLT       bytesEnd
	VPMOVZXBW (SI), Y2
	VPMADDWD  (R8), Y2, Y3
	VPMADDWD  (R9), Y2, Y4
	VPADDD    Y3, Y0, Y0
	VPADDD    Y4, Y1, Y1
	ADDQ      $16, SI
	ADDQ      $32, R8
	ADDQ      $32, R9
	SUBQ      $16, CX
	JMP       bytes16

bytesEnd:
	VPHADDD      Y1, Y0, Y0
	VPHADDD      Y0, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPADDD       X1, X0, X0
	VMOVD        X0, AX
	VPEXTRD      $1, X0, BX
	MOVL         AX, a+32(FP)
	MOVL         BX, b+36(FP)
	VZEROUPPER
	RET

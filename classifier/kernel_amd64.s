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

// func addRowsAVX2(weights *byte, stride int, ids *int32, coefs *uint16, n int, sums *[64]uint32)
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
	VPXOR Y15, Y15, Y15

pair:
	// Two rows at a time, their bytes next to each other: one multiplication adds up both.
	CMPQ         CX, $2
	JLT          last
	CMPQ         CX, $12
	JLT          near
	MOVLQSX      32(R9), AX
	MOVLQSX      36(R9), BX
	IMULQ        R8, AX
	IMULQ        R8, BX
	PREFETCHT0   (SI)(AX*1)
	PREFETCHT0   (SI)(BX*1)
	PREFETCHT0   64(SI)(AX*1)
	PREFETCHT0   64(SI)(BX*1)

near:
	MOVLQSX      (R9), AX
	MOVLQSX      4(R9), BX
	VPBROADCASTD (R10), Y8
	ADDQ         $8, R9
	ADDQ         $4, R10
	SUBQ         $2, CX
	JMP          both

last:
	CMPQ         CX, $0
	JEQ          rowsEnd
	MOVLQSX      (R9), AX
	MOVQ         AX, BX
	MOVWLZX      (R10), R11
	VMOVD        R11, X8
	VPBROADCASTD X8, Y8
	XORQ         CX, CX

both:
	IMULQ      R8, AX
	IMULQ      R8, BX
	ADDQ       SI, AX
	ADDQ       SI, BX
	VMOVDQU    0(AX), Y9
	VMOVDQU    0(BX), Y10
	VPUNPCKLBW Y10, Y9, Y11
	VPUNPCKHBW Y10, Y9, Y12
	VPUNPCKLBW Y15, Y11, Y13
	VPUNPCKHBW Y15, Y11, Y14
	VPMADDWD   Y8, Y13, Y13
	VPMADDWD   Y8, Y14, Y14
	VPADDD     Y13, Y0, Y0
	VPADDD     Y14, Y1, Y1
	VPUNPCKLBW Y15, Y12, Y13
	VPUNPCKHBW Y15, Y12, Y14
	VPMADDWD   Y8, Y13, Y13
	VPMADDWD   Y8, Y14, Y14
	VPADDD     Y13, Y2, Y2
	VPADDD     Y14, Y3, Y3
	VMOVDQU    32(AX), Y9
	VMOVDQU    32(BX), Y10
	VPUNPCKLBW Y10, Y9, Y11
	VPUNPCKHBW Y10, Y9, Y12
	VPUNPCKLBW Y15, Y11, Y13
	VPUNPCKHBW Y15, Y11, Y14
	VPMADDWD   Y8, Y13, Y13
	VPMADDWD   Y8, Y14, Y14
	VPADDD     Y13, Y4, Y4
	VPADDD     Y14, Y5, Y5
	VPUNPCKLBW Y15, Y12, Y13
	VPUNPCKHBW Y15, Y12, Y14
	VPMADDWD   Y8, Y13, Y13
	VPMADDWD   Y8, Y14, Y14
	VPADDD     Y13, Y6, Y6
	VPADDD     Y14, Y7, Y7
	JMP        pair

rowsEnd:
	VMOVDQU      X0, 0(DX)
	VEXTRACTI128 $1, Y0, 64(DX)
	VMOVDQU      X1, 16(DX)
	VEXTRACTI128 $1, Y1, 80(DX)
	VMOVDQU      X2, 32(DX)
	VEXTRACTI128 $1, Y2, 96(DX)
	VMOVDQU      X3, 48(DX)
	VEXTRACTI128 $1, Y3, 112(DX)
	VMOVDQU      X4, 128(DX)
	VEXTRACTI128 $1, Y4, 192(DX)
	VMOVDQU      X5, 144(DX)
	VEXTRACTI128 $1, Y5, 208(DX)
	VMOVDQU      X6, 160(DX)
	VEXTRACTI128 $1, Y6, 224(DX)
	VMOVDQU      X7, 176(DX)
	VEXTRACTI128 $1, Y7, 240(DX)
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

// func sumRowsAVX(rows *float32, stride int, ids *int32, vals *float32, n int, h *float32)
TEXT ·sumRowsAVX(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ ids+16(FP), R9
	MOVQ vals+24(FP), R10
	MOVQ n+32(FP), CX
	MOVQ h+40(FP), DX
	SHLQ $2, R8
	VMOVUPS 0(DX), Y0
	VMOVUPS 32(DX), Y1
	VMOVUPS 64(DX), Y2
	VMOVUPS 96(DX), Y3
	VMOVUPS 128(DX), Y4
	VMOVUPS 160(DX), Y5
	VMOVUPS 192(DX), Y6
	VMOVUPS 224(DX), Y7

sumRow:
	CMPQ         CX, $0
	JEQ          sumEnd
	CMPQ         CX, $8
	JLE          sumNear
	MOVLQSX      32(R9), BX
	IMULQ        R8, BX
	PREFETCHT0   (SI)(BX*1)
	PREFETCHT0   64(SI)(BX*1)
	PREFETCHT0   128(SI)(BX*1)
	PREFETCHT0   192(SI)(BX*1)

sumNear:
	MOVLQSX      (R9), AX
	IMULQ        R8, AX
	ADDQ         SI, AX
	VBROADCASTSS (R10), Y8
	VMULPS       0(AX), Y8, Y9
	VMULPS       32(AX), Y8, Y10
	VMULPS       64(AX), Y8, Y11
	VMULPS       96(AX), Y8, Y12
	VADDPS       Y9, Y0, Y0
	VADDPS       Y10, Y1, Y1
	VADDPS       Y11, Y2, Y2
	VADDPS       Y12, Y3, Y3
	VMULPS       128(AX), Y8, Y9
	VMULPS       160(AX), Y8, Y10
	VMULPS       192(AX), Y8, Y11
	VMULPS       224(AX), Y8, Y12
	VADDPS       Y9, Y4, Y4
	VADDPS       Y10, Y5, Y5
	VADDPS       Y11, Y6, Y6
	VADDPS       Y12, Y7, Y7
	ADDQ         $4, R9
	ADDQ         $4, R10
	DECQ         CX
	JMP          sumRow

sumEnd:
	VMOVUPS Y0, 0(DX)
	VMOVUPS Y1, 32(DX)
	VMOVUPS Y2, 64(DX)
	VMOVUPS Y3, 96(DX)
	VMOVUPS Y4, 128(DX)
	VMOVUPS Y5, 160(DX)
	VMOVUPS Y6, 192(DX)
	VMOVUPS Y7, 224(DX)
	VZEROUPPER
	RET

// func addToRowsAVX(rows *float32, stride int, ids *int32, rates *float32, n int, x *float32)
TEXT ·addToRowsAVX(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), SI
	MOVQ stride+8(FP), R8
	MOVQ ids+16(FP), R9
	MOVQ rates+24(FP), R10
	MOVQ n+32(FP), CX
	MOVQ x+40(FP), DX
	SHLQ $2, R8
	VMOVUPS 0(DX), Y0
	VMOVUPS 32(DX), Y1
	VMOVUPS 64(DX), Y2
	VMOVUPS 96(DX), Y3
	VMOVUPS 128(DX), Y4
	VMOVUPS 160(DX), Y5
	VMOVUPS 192(DX), Y6
	VMOVUPS 224(DX), Y7

addToRow:
	CMPQ         CX, $0
	JEQ          addToEnd
	CMPQ         CX, $8
	JLE          addToNear
	MOVLQSX      32(R9), BX
	IMULQ        R8, BX
	PREFETCHT0   (SI)(BX*1)
	PREFETCHT0   64(SI)(BX*1)
	PREFETCHT0   128(SI)(BX*1)
	PREFETCHT0   192(SI)(BX*1)

addToNear:
	MOVLQSX      (R9), AX
	IMULQ        R8, AX
	ADDQ         SI, AX
	VBROADCASTSS (R10), Y8
	VMULPS       Y0, Y8, Y9
	VMULPS       Y1, Y8, Y10
	VMULPS       Y2, Y8, Y11
	VMULPS       Y3, Y8, Y12
	VADDPS       0(AX), Y9, Y9
	VADDPS       32(AX), Y10, Y10
	VADDPS       64(AX), Y11, Y11
	VADDPS       96(AX), Y12, Y12
	VMOVUPS      Y9, 0(AX)
	VMOVUPS      Y10, 32(AX)
	VMOVUPS      Y11, 64(AX)
	VMOVUPS      Y12, 96(AX)
	VMULPS       Y4, Y8, Y9
	VMULPS       Y5, Y8, Y10
	VMULPS       Y6, Y8, Y11
	VMULPS       Y7, Y8, Y12
	VADDPS       128(AX), Y9, Y9
	VADDPS       160(AX), Y10, Y10
	VADDPS       192(AX), Y11, Y11
	VADDPS       224(AX), Y12, Y12
	VMOVUPS      Y9, 128(AX)
	VMOVUPS      Y10, 160(AX)
	VMOVUPS      Y11, 192(AX)
	VMOVUPS      Y12, 224(AX)
	ADDQ         $4, R9
	ADDQ         $4, R10
	DECQ         CX
	JMP          addToRow

addToEnd:
	VZEROUPPER
	RET

// func dotRowsAVX(rows, x *float32, n, count int, out *float32)
TEXT ·dotRowsAVX(SB), NOSPLIT, $0-40
	MOVQ rows+0(FP), SI
	MOVQ x+8(FP), R8
	MOVQ n+16(FP), R9
	MOVQ count+24(FP), CX
	MOVQ out+32(FP), DX

dotRow:
	CMPQ   CX, $0
	JEQ    dotRowsEnd
	MOVQ   R8, DI
	MOVQ   R9, AX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1

dotRow16:
	VMOVUPS (SI), Y2
	VMOVUPS 32(SI), Y3
	VMULPS  (DI), Y2, Y2
	VMULPS  32(DI), Y3, Y3
	VADDPS  Y2, Y0, Y0
	VADDPS  Y3, Y1, Y1
	ADDQ    $64, SI
	ADDQ    $64, DI
	SUBQ    $16, AX
	JNE     dotRow16

	// The sums are added up in the order of dot.
	VADDPS       Y1, Y0, Y0
	VEXTRACTF128 $1, Y0, X1
	VADDPS       X1, X0, X0
	VHADDPS      X0, X0, X0
	VHADDPS      X0, X0, X0
	VMOVSS       X0, (DX)
	ADDQ         $4, DX
	DECQ         CX
	JMP          dotRow

dotRowsEnd:
	VZEROUPPER
	RET

// func prefetchSlots(table *slot, shift int, list *occurrence, n int)
TEXT ·prefetchSlots(SB), NOSPLIT, $0-32
	MOVQ table+0(FP), SI
	MOVQ shift+8(FP), CX
	MOVQ list+16(FP), R9
	MOVQ n+24(FP), R10

prefetchSlot:
	CMPQ       R10, $0
	JEQ        prefetchEnd
	MOVL       (R9), AX
	SHRL       CX, AX
	SHLQ       $4, AX
	PREFETCHT0 (SI)(AX*1)
	ADDQ       $16, R9
	DECQ       R10
	JMP        prefetchSlot

prefetchEnd:
	RET

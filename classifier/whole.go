package classifier

// whole is a list of whole numbers below 2^23 in size, each split into 12 low bits and the rest, so that sums of their
// products with bytes are exact in 32 bits, by kernels that work on 16 bits.
type whole struct{ low, high []int16 }

const (
	lowBits     = 12
	maxDotBytes = 1024 // of one sum in 32 bits: 1024 · 255 · 4095 < 2^31
)

func (w *whole) reset() { w.low, w.high = w.low[:0], w.high[:0] }

func (w *whole) add(v int) {
	w.low = append(w.low, int16(v&(1<<lowBits-1)))
	w.high = append(w.high, int16(v>>lowBits))
}

// dot is the exact scalar product with as many bytes.
func (w *whole) dot(x []byte) int {
	if len(x) <= maxDotBytes && len(x)%16 == 0 && len(x) > 0 { // the usual size
		a, b := dotBytesWide(x, w.low, w.high)
		return int(a) + int(b)<<lowBits
	}
	sum := 0
	for at := 0; at < len(x); at += maxDotBytes {
		end := min(at+maxDotBytes, len(x))
		wide := at + (end-at)&^15
		var a, b int32
		if wide > at {
			a, b = dotBytesWide(x[at:wide], w.low[at:wide], w.high[at:wide])
		}
		c, d := dotBytesPlain(x[wide:end], w.low[wide:end], w.high[wide:end])
		sum += int(a) + int(c) + (int(b)+int(d))<<lowBits
	}
	return sum
}

// dotBytesPlain returns the scalar products of the bytes with both lists; at most maxDotBytes of them.
func dotBytesPlain(x []byte, low, high []int16) (a, b int32) {
	low, high = low[:len(x)], high[:len(x)]
	for i, v := range x {
		a += int32(v) * int32(low[i])
		b += int32(v) * int32(high[i])
	}
	return a, b
}

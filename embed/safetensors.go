package embed

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"prediag"
)

const (
	maxTensorHeader = 64 << 20
	maxTensors      = 4096
)

// tensor is an array of numbers in a safetensors file, as it lies there.
type tensor struct {
	dtype string
	shape []int
	data  []byte
}

// tensorHeader is the description of one tensor in the file's header.
type tensorHeader struct {
	DType   string  `json:"dtype"`
	Shape   []int64 `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// sizeOf is the size of a number of a type in bytes; 0: unknown.
func sizeOf(dtype string) int64 {
	switch dtype {
	case "F64", "I64", "U64":
		return 8
	case "F32", "I32", "U32":
		return 4
	case "F16", "BF16", "I16", "U16":
		return 2
	case "I8", "U8", "BOOL":
		return 1
	}
	return 0
}

// parseTensors reads a file in the safetensors format: the length of the header in 8 bytes, little endian, the header in JSON,
// the numbers. A fault is of kind prediag.ErrInvalid and names the tensor.
func parseTensors(data []byte) (map[string]tensor, error) {
	bad := func(format string, args ...any) (map[string]tensor, error) {
		return nil, prediag.Invalid("EMBEDDINGS_INVALID", "model.safetensors", fmt.Sprintf("model.safetensors: "+format, args...))
	}
	if len(data) < 8 {
		return bad("%d bytes are no safetensors file", len(data))
	}
	size := binary.LittleEndian.Uint64(data)
	if size > maxTensorHeader || size > uint64(len(data)-8) {
		return bad("the header claims %d bytes of a file of %d", size, len(data))
	}
	var headers map[string]json.RawMessage
	if err := json.Unmarshal(data[8:8+size], &headers); err != nil {
		return bad("the header is not understood: %v", err)
	}
	if len(headers) > maxTensors {
		return bad("%d tensors: at most %d are read", len(headers), maxTensors)
	}
	body := data[8+size:]
	out := map[string]tensor{}
	for name, raw := range headers {
		if name == "__metadata__" {
			continue
		}
		var h tensorHeader
		if err := json.Unmarshal(raw, &h); err != nil {
			return bad("tensor %.80q is not understood: %v", name, err)
		}
		t, fault := h.tensor(body)
		if fault != "" {
			return bad("tensor %.80q: %s", name, fault)
		}
		out[name] = t
	}
	return out, nil
}

// tensor cuts the tensor out of the file's body; fault says why not.
func (h tensorHeader) tensor(body []byte) (t tensor, fault string) {
	size := sizeOf(h.DType)
	if size == 0 {
		return t, fmt.Sprintf("numbers of type %.20q are not supported", h.DType)
	}
	if len(h.Offsets) != 2 || h.Offsets[0] < 0 || h.Offsets[1] < h.Offsets[0] || h.Offsets[1] > int64(len(body)) {
		return t, fmt.Sprintf("offsets %v do not lie in a body of %d bytes", h.Offsets, len(body))
	}
	for _, n := range h.Shape {
		if n < 0 || n > 0 && size > math.MaxInt64/n {
			return t, fmt.Sprintf("shape %v is impossible", h.Shape)
		}
		size *= n
		t.shape = append(t.shape, int(n))
	}
	if size != h.Offsets[1]-h.Offsets[0] {
		return t, fmt.Sprintf("shape %v of %s takes %d bytes, its offsets %v say another number", h.Shape, h.DType, size, h.Offsets)
	}
	t.dtype, t.data = h.DType, body[h.Offsets[0]:h.Offsets[1]]
	return t, ""
}

// len is the number of numbers.
func (t tensor) len() int {
	if t.dtype == "" {
		return 0
	}
	return len(t.data) / int(sizeOf(t.dtype))
}

// float is the i-th number.
func (t tensor) float(i int) float32 {
	switch t.dtype {
	case "F64":
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(t.data[8*i:])))
	case "F32":
		return math.Float32frombits(binary.LittleEndian.Uint32(t.data[4*i:]))
	case "F16":
		return half(binary.LittleEndian.Uint16(t.data[2*i:]))
	case "BF16":
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.data[2*i:])) << 16)
	case "I8":
		return float32(int8(t.data[i]))
	}
	return float32(t.int(i))
}

// addTo adds a row of as many numbers as sum has, times weight.
func (t tensor) addTo(sum []float32, row int, weight float32) {
	if t.dtype == "F32" { // what most models are
		data := t.data[4*row*len(sum):]
		for i := range sum {
			sum[i] += weight * math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return
	}
	for i := range sum {
		sum[i] += weight * t.float(row*len(sum)+i)
	}
}

// int is the i-th number of a tensor of whole numbers; one that does not fit is negative.
func (t tensor) int(i int) int {
	switch t.dtype {
	case "I64", "U64":
		return int(int64(binary.LittleEndian.Uint64(t.data[8*i:])))
	case "I32":
		return int(int32(binary.LittleEndian.Uint32(t.data[4*i:])))
	case "U32":
		return int(binary.LittleEndian.Uint32(t.data[4*i:]))
	case "I16":
		return int(int16(binary.LittleEndian.Uint16(t.data[2*i:])))
	case "U16":
		return int(binary.LittleEndian.Uint16(t.data[2*i:]))
	case "I8":
		return int(int8(t.data[i]))
	case "U8", "BOOL":
		return int(t.data[i])
	}
	return -1
}

// whole reports whether the numbers are whole ones.
func (t tensor) whole() bool { return t.dtype != "" && t.dtype[0] != 'F' && t.dtype != "BF16" }

// half is an IEEE 754 number of 16 bits.
func half(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15)<<31, int(b>>10&31), uint32(b&1023)
	switch exponent {
	case 0:
		v := float32(fraction) / (1 << 24)
		if sign != 0 {
			return -v
		}
		return v
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | uint32(exponent+112)<<23 | fraction<<13)
}

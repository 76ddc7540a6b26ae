package artifact

import "github.com/tenon-ml/tenon/internal/codec"

// File is the path of a local file.
type File string

// Dir is the path of a local directory.
type Dir string

// TenonCodec is for this module alone.
func (File) TenonCodec() (codec.Codec, error) { return codec.Codec{}, nil }

// TenonCodec is for this module alone.
func (Dir) TenonCodec() (codec.Codec, error) { return codec.Codec{}, nil }

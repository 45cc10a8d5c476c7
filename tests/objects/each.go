// Package objects reads what the tests' programs are given: JSON values, one after another.
package objects

import (
	"encoding/json"
	"errors"
	"io"
)

// Each hands every value that is left to do, until the input ends. It ends at the first error, its own or of do.
func Each[T any](in *json.Decoder, do func(*T) error) error {
	for {
		var object T
		if err := in.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := do(&object); err != nil {
			return err
		}
	}
}

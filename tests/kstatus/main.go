// Command kstatus tells what kstatus makes of objects, the library by which Flux and Helm wait: JSON objects in, a word each out.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"trunkline.dev/objects"
)

func main() {
	err := objects.Each(json.NewDecoder(os.Stdin), func(object *unstructured.Unstructured) error {
		result, err := status.Compute(object)
		if err != nil {
			return err
		}
		_, err = fmt.Println(result.Status)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
}

// Command argocd tells what Argo CD makes of objects, by its own code: the JSON of its ConfigMap argocd-cm and then of
// objects in, the health of each out.
package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"os"

	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"trunkline.dev/objects"
)

func main() {
	logrus.SetOutput(io.Discard)
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var entered corev1.ConfigMap
	if err := in.Decode(&entered); err != nil {
		log.Fatal(err)
	}
	overrides, err := read(&entered)
	if err != nil {
		log.Fatal(err)
	}
	err = objects.Each(in, func(object *unstructured.Unstructured) error {
		health, err := overrides.GetResourceHealth(object)
		if err != nil {
			return err
		}
		return out.Encode(health)
	})
	if err != nil {
		log.Fatal(err)
	}
}

// read has Argo CD read its settings, out of an API server in memory where an installation has left its other objects.
func read(entered *corev1.ConfigMap) (lua.ResourceHealthOverrides, error) {
	entered.Labels = map[string]string{"app.kubernetes.io/part-of": "argocd"}
	about := metav1.ObjectMeta{Name: "argocd-secret", Namespace: entered.Namespace, Labels: entered.Labels}
	client := fake.NewClientset(entered, &corev1.Secret{ObjectMeta: about})
	manager := settings.NewSettingsManager(context.Background(), client, entered.Namespace)
	overrides, err := manager.GetResourceOverrides()
	return overrides, err
}

"""sipedge: the data plane of Trunkline, what runs in an edge pod. It knows no Kubernetes."""

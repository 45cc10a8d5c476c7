"""`trunkline import`: manifests from what another provider of trunks exports."""

"""The city on Kubernetes: kustomize folders, rendered and checked without a cluster by `python -m deploy.k8s`."""

# One image a service:  docker build --build-arg SERVICE=intake --tag mot-cua/intake:0.1.0 .
# the screens':          docker build --target portal --build-arg SERVICE=portal --tag mot-cua/portal:0.1.0 .
# and the keeper's:     docker build --target keeper --tag mot-cua/keeper:0.1.0 .
# It runs as uid 10001 on a read-only root file system; only /tmp must be writable. Probes are Kubernetes' (deploy/k8s).

FROM python:3.11.14-slim-trixie AS packages
COPY requirements.lock /
# Wheels only: nothing of a package runs while the image is built.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r /requirements.lock \
    && /opt/venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11.14-slim-trixie AS runtime
RUN groupadd --gid 10001 mot-cua && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin mot-cua
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /app
ENTRYPOINT ["python", "-m"]

FROM runtime AS keeper
COPY libs/ libs/
# Compiled here, for the root is read-only later.
RUN python -m compileall -q libs
USER 10001:10001
CMD ["libs.bus", "keeper"]

FROM runtime AS code
ARG SERVICE
COPY libs/ libs/
COPY catalogue/ catalogue/
COPY services/__init__.py services/
COPY services/${SERVICE}/ services/${SERVICE}/
RUN test -n "${SERVICE}" && python -m compileall -q libs services
USER 10001:10001
# No CMD: what is run (services.intake serve, services.intake migrate) is said by deploy/k8s.

# What the pages load, by the pins and hashes of its lock.
FROM node:20.20.2-slim AS pages
WORKDIR /assets
COPY services/portal/assets/ ./
RUN npm ci --omit=dev

FROM code AS portal
COPY --from=pages /assets/ assets/
# Shown to integrators.
COPY clients/samples/ clients/samples/

FROM code AS service

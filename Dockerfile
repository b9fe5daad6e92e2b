# One image for every command of `growthrings`; docker-compose.yml runs `api`, `project` and `prepare`.
# (The embedded PostgreSQL of `serve` is among the dependencies but not used here.)

FROM python:3.11.15-slim-bookworm AS base

FROM base AS build
WORKDIR /app
COPY requirements-run.lock ./
# Wheels only: nothing is compiled, and no code of a package runs during its installation.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-cache-dir --disable-pip-version-check --no-input \
        --only-binary :all: --require-hashes --requirement requirements-run.lock
COPY domain domain
COPY application application
COPY projections projections
COPY adapters adapters
# The image is read-only: compile the bytecode once, and never compare it with its source again.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash domain application projections adapters

FROM base
LABEL org.opencontainers.image.title="growthrings" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.description="Event-sourced record of children's measurements and of their outcomes"
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
# The mount point of the volume with the keys that sign tokens; a new volume starts as a copy of it.
RUN install --directory --owner 10001 --group 10001 --mode 700 /keys
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["python", "-m", "adapters.cli", "healthy", "api"]
ENTRYPOINT ["python", "-m", "adapters.cli"]
CMD ["api", "--host", "0.0.0.0"]

# Sportello in one image: explorer and migrations included, without Node, compilers or root.
# How to run it: docs/deployment.md.

FROM node:22-slim AS explorer
WORKDIR /build/explorer
COPY explorer/package.json explorer/package-lock.json explorer/.npmrc ./
RUN npm ci
COPY explorer/ ./
RUN npm run build

FROM node:22-slim AS chat
WORKDIR /build/examples/chat
COPY examples/chat/package.json examples/chat/package-lock.json examples/chat/.npmrc ./
RUN npm ci
COPY examples/chat/ ./
RUN npm run build

FROM python:3.13-slim AS wheel
WORKDIR /build
COPY requirements/build.txt requirements/
RUN pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY alembic/ alembic/
COPY api/ api/
COPY domain/ domain/
COPY schema/ schema/
COPY --from=explorer /build/api/static/explorer/ api/static/explorer/
COPY --from=chat /build/api/static/chat/ api/static/chat/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist .

FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SPORTELLO_HOST=0.0.0.0 \
    SPORTELLO_PORT=8000 \
    SPORTELLO_DATABASE_URL=sqlite:////data/sportello.sqlite3 \
    SPORTELLO_LOG_FORMAT=json
COPY requirements/runtime.txt /tmp/runtime.txt
RUN pip install --no-cache-dir --require-hashes --requirement /tmp/runtime.txt && rm /tmp/runtime.txt
RUN --mount=type=bind,from=wheel,source=/build/dist,target=/tmp/dist \
    pip install --no-cache-dir --no-deps /tmp/dist/*.whl \
    && groupadd --gid 10001 sportello \
    && useradd --uid 10001 --gid sportello --no-create-home --home-dir /data sportello \
    && install --directory --owner=sportello --group=sportello --mode=0700 /data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['SPORTELLO_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["sportello"]
CMD ["serve"]

# Two stages: pip and its caches stay in the first. The image has no compiler, no tests, no dev tools.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE* ./
COPY schemas schemas
COPY streams streams
RUN python -m venv /opt/orderwatch \
    && /opt/orderwatch/bin/pip install --no-cache-dir --disable-pip-version-check \
        -c requirements.lock '.[postgres,speed]'

FROM python:3.11-slim-bookworm
# A fixed number, so that Kubernetes can check runAsNonRoot and volumes keep their owner.
RUN groupadd --gid 10001 orderwatch \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin orderwatch \
    && install -d -o 10001 -g 10001 /var/lib/orderwatch
COPY --from=build /opt/orderwatch /opt/orderwatch
ENV PATH=/opt/orderwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORDERWATCH_DATA_DIR=/var/lib/orderwatch
WORKDIR /var/lib/orderwatch
VOLUME /var/lib/orderwatch
USER 10001:10001
EXPOSE 6066 8080 9101 9102
# For the default command; docker-compose.yml has one for each service.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:6066/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["orderwatch"]
CMD ["worker"]

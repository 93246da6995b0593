# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
# The dependencies are built in a layer of their own: a change of ours does not build them again.
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs && cargo build --release --locked && rm -rf src
COPY src src
COPY sql sql
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tailwater \
    && install -d -o 10001 -g 10001 /scratch /warehouse
COPY --from=build /build/target/release/tailwater /usr/local/bin/tailwater
COPY jobs /jobs
USER 10001
# The root file system may be read-only: the run spills and stages under the warehouse and TMPDIR only.
ENV TMPDIR=/scratch
VOLUME ["/scratch", "/warehouse"]
WORKDIR /
ENTRYPOINT ["tailwater"]
CMD ["run", "/jobs/demo.toml"]

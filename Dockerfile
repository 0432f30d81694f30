# The autograd server as a small image: `docker build -t autograd-server .`, then
# `docker run --rm -p 127.0.0.1:8080:8080 autograd-server`. With `--build-arg VARIANT=static` it has a static binary and no Debian around it,
# not even a shell. The base images are named in full because podman and buildah assume no registry.
ARG VARIANT=debian

FROM docker.io/library/swift:6.3-bookworm AS build

RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd-dev nettle-dev liblapack-dev libblas-dev \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /src

# The dependencies hang on the manifest alone, so a change of the sources does not fetch them again. SwiftPM also wants the folders of
# the test targets that the manifest names; empty ones do, so a change of the tests does not compile the server again.
COPY Package.swift ./
RUN swift package resolve \
 && grep -oE '"[[:alnum:]]+Test(s|Support)"' Package.swift | tr -d '"' | sort -u | sed 's|^|Tests/|' | xargs mkdir -p

# What names the functions on the stack when the server crashes: the runtime starts it, see SWIFT_BACKTRACE below.
RUN install -D --strip "$(dirname "$(command -v swift)")/../libexec/swift/linux/swift-backtrace-static" \
      /out/usr/local/libexec/swift-backtrace-static

# For the static binary libmicrohttpd from Debian's source with Debian's flags, but without TLS: see below. And despite its name, the program
# for crashes is not static: it comes with the C libraries it is linked to. This is no stage of its own, because buildah 1.28 forgets the
# base image's PATH in a stage that begins with one it has cached.
ARG VARIANT
WORKDIR /libmicrohttpd
RUN if [ "$VARIANT" = static ]; then \
      find /etc/apt -name '*.sources' -exec sed -i 's/^Types: deb$/& deb-src/' {} + \
                 -o -name '*.list' -exec sed -i '/^deb /{p;s/^deb /deb-src /}' {} + \
      && apt-get update \
      && apt-get install -y --no-install-recommends dpkg-dev \
      && apt-get source libmicrohttpd \
      && cd libmicrohttpd-*/ \
      && eval "$(dpkg-buildflags --export=sh)" \
      && ./configure CC=clang --prefix=/usr/local --disable-shared --enable-static --disable-https --disable-bauth --disable-dauth \
           --disable-postprocessor --disable-curl --disable-doc --disable-examples \
      && make -C src/microhttpd install-libLTLIBRARIES \
      && ldd /out/usr/local/libexec/swift-backtrace-static | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory /out; \
    fi
WORKDIR /src

# Everything that .dockerignore lets through: the sources.
COPY . ./
RUN if [ "$VARIANT" = static ]; then set -- -Xswiftc -static-executable -Xlinker -L/usr/local/lib; fi \
 && swift build -c release --product autograd-server --static-swift-stdlib "$@" \
 && install -D .build/release/autograd-server -t /out/usr/local/bin \
 && strip --strip-debug /out/usr/local/bin/autograd-server


# Nothing but the server and what tells of its crashes. They need /proc, which every engine mounts.
FROM scratch AS files-static
COPY --from=build /out/ /


# The same Debian as the build, for the same glibc. libmicrohttpd comes as Debian's shared library and not linked in: its static one would
# need a static GnuTLS with all that is behind it (Debian has no static p11-kit), while the shared GnuTLS is in this base already (apt uses
# it); and a package is what scanners see and what security updates replace.
FROM docker.io/library/debian:bookworm-slim AS files-debian
LABEL org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"

RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libnettle8 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/* /var/log/apt /var/log/*.log

COPY --from=build /out/ /


FROM files-${VARIANT}

# Nobody reaches the loopback address inside a container. To change the port set AUTOGRAD_PORT rather than --port: the health check reads
# it as well.
ENV AUTOGRAD_HOST=0.0.0.0

# A crash writes to the log which functions it was in. The binary keeps its symbols for that.
ENV SWIFT_BACKTRACE=enable=yes,threads=crashed,registers=none,images=none,interactive=no,color=no,output-to=stderr,swift-backtrace=/usr/local/libexec/swift-backtrace-static
EXPOSE 8080

# A number, so that Kubernetes' runAsNonRoot can tell. The server writes no file: --read-only and --cap-drop=ALL are fine.
USER 65532:65532

STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=5s --retries=3 CMD ["/usr/local/bin/autograd-server", "healthcheck"]

ENTRYPOINT ["/usr/local/bin/autograd-server"]
CMD ["serve"]

# Last, because they change with every commit.
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="autograd-server" \
      org.opencontainers.image.description="Evaluates computation graphs over HTTP, with exact gradients" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

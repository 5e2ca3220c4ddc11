# Grantor alone: one static binary, no shell, no package, a user without a name.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
# The same flags as `make build`. Of the same files and the same VERSION come the same bytes, whatever the machine and the folder.
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/grantor ./cmd/grantor
RUN install -d -m 0700 /out/root/data

FROM scratch
# Whoever speaks TLS to a Redis needs these; nobody else.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/grantor /grantor
# The embedded store and its master key. The root may be read-only; with Redis and GRANTOR_MASTER_KEY nothing is written.
COPY --from=build --chown=65532:65532 /out/root/ /
VOLUME /data
ENV GRANTOR_LISTEN=0.0.0.0:8080 GRANTOR_STORE=bolt:/data/grantor.db
USER 65532:65532
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/grantor", "healthcheck"]
ENTRYPOINT ["/grantor"]
CMD ["serve"]

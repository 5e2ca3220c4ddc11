package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// uploadTime bounds one batch on its way.
const uploadTime = 10 * time.Second

// uploader sends spans by OTLP over HTTP. The exporter of OpenTelemetry that does the same would bring all of gRPC along.
type uploader struct {
	endpoint string
	header   http.Header
	client   *http.Client
	log      *slog.Logger
	away     atomic.Bool
}

func newUploader(c TraceConfig) *uploader {
	return &uploader{endpoint: c.Endpoint, header: c.Header, log: c.Log, client: &http.Client{
		Timeout:       uploadTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // headers are for this endpoint
	}}
}

// Start and Stop are of otlptrace.Client.
func (u *uploader) Start(context.Context) error { return nil }

// Stop lets go of connections.
func (u *uploader) Stop(context.Context) error {
	u.client.CloseIdleConnections()
	return nil
}

// UploadTraces sends a batch, once: what a collector cannot take now is worth less than the memory to keep it. It tells the
// log when sending begins to fail and when it works again, and nothing in between.
func (u *uploader) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := u.send(ctx, spans)
	if away := err != nil; u.away.Swap(away) != away {
		if away {
			u.log.Warn("traces cannot be sent and are lost until they can", "cause", err.Error())
		} else {
			u.log.Info("traces are sent again")
		}
	}
	return nil
}

func (u *uploader) send(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// TracesData is on the wire what a request to a collector is (opentelemetry-proto, trace.proto).
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode spans: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.endpoint, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	if u.header != nil {
		r.Header = u.header.Clone()
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := u.client.Do(r)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("send spans: the collector answers %d", answer.StatusCode)
	}
	return nil
}

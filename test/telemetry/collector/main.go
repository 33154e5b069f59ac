// An OpenTelemetry collector for tests: the OTLP receiver of the collector, for gRPC and HTTP, and an exporter that writes each request that
// it receives as a line of JSON. Its first line has the ports. It ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.uber.org/zap"
)

// lines writes one line for each request.
type lines struct{ mutex sync.Mutex }

func (l *lines) write(signal string, body []byte, err error) error {
	if err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	line, err := json.Marshal(map[string]json.RawMessage{signal: body})
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(line))
	return err
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func configured(certificate, key, ca, grpcAddress, httpAddress string) component.Config {
	config := otlpreceiver.NewFactory().CreateDefaultConfig().(*otlpreceiver.Config)
	grpc, http := configgrpc.NewDefaultServerConfig(), confighttp.NewDefaultServerConfig()
	grpc.NetAddr.Transport, grpc.NetAddr.Endpoint = "tcp", grpcAddress
	http.NetAddr.Transport, http.NetAddr.Endpoint = "tcp", httpAddress
	if certificate != "" {
		tls := configtls.NewDefaultServerConfig()
		tls.CertFile, tls.KeyFile, tls.ClientCAFile = certificate, key, ca
		grpc.TLS, http.TLS = configoptional.Some(tls), configoptional.Some(tls)
	}
	config.Protocols.GRPC = configoptional.Some(grpc)
	config.Protocols.HTTP = configoptional.Some(otlpreceiver.HTTPConfig{
		ServerConfig: http, TracesURLPath: "/v1/traces", MetricsURLPath: "/v1/metrics", LogsURLPath: "/v1/logs",
	})
	return config
}

func run() error {
	certificate := flag.String("cert", "", "PEM file")
	key := flag.String("key", "", "PEM file")
	ca := flag.String("ca", "", "PEM file; clients must have a certificate of it")
	grpcAddress := flag.String("grpc", "", "address of gRPC; a free port by default")
	httpAddress := flag.String("http", "", "address of HTTP; a free port by default")
	flag.Parse()
	for _, address := range []*string{grpcAddress, httpAddress} {
		if *address != "" {
			continue
		}
		free, err := freePort()
		if err != nil {
			return err
		}
		*address = free
	}
	factory, out, ctx := otlpreceiver.NewFactory(), &lines{}, context.Background()
	settings := receiver.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: componenttest.NewNopTelemetrySettings()}
	settings.Logger = zap.NewNop()
	config := configured(*certificate, *key, *ca, *grpcAddress, *httpAddress)
	traces, _ := consumer.NewTraces(func(_ context.Context, data ptrace.Traces) error {
		body, err := (&ptrace.JSONMarshaler{}).MarshalTraces(data)
		return out.write("traces", body, err)
	})
	logs, _ := consumer.NewLogs(func(_ context.Context, data plog.Logs) error {
		body, err := (&plog.JSONMarshaler{}).MarshalLogs(data)
		return out.write("logs", body, err)
	})
	metrics, _ := consumer.NewMetrics(func(_ context.Context, data pmetric.Metrics) error {
		body, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(data)
		return out.write("metrics", body, err)
	})
	// The factory makes one receiver for all three.
	first, err := factory.CreateTraces(ctx, settings, config, traces)
	if err != nil {
		return err
	}
	second, err := factory.CreateLogs(ctx, settings, config, logs)
	if err != nil {
		return err
	}
	third, err := factory.CreateMetrics(ctx, settings, config, metrics)
	if err != nil {
		return err
	}
	host := componenttest.NewNopHost()
	for _, each := range []component.Component{first, second, third} {
		if err := each.Start(ctx, host); err != nil {
			return err
		}
	}
	fmt.Printf("{\"grpc\":%q,\"http\":%q}\n", *grpcAddress, *httpAddress)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

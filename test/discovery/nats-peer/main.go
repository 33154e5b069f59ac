// A program that uses NATS with the official client: it offers services and writes buckets. It reads one command per line from standard
// input, as JSON, and answers each with a line. It ends with its input.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
)

type command struct {
	Do       string            `json:"do"`
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
	// Metadata of the endpoint "http".
	Endpoint map[string]string `json:"endpoint"`
	Bucket   string            `json:"bucket"`
	Key      string            `json:"key"`
	Value    string            `json:"value"`
	TTL      int               `json:"ttl"`
	Markers  int               `json:"markers"`
}

type peer struct {
	connection *nats.Conn
	js         jetstream.JetStream
	services   map[string]micro.Service
}

func main() {
	connection, err := nats.Connect(os.Args[1], nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	js, err := jetstream.New(connection)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	p := &peer{connection, js, map[string]micro.Service{}}
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var c command
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			err = p.run(c)
		}
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("done")
		}
	}
}

func (p *peer) run(c command) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	switch c.Do {
	case "offer":
		return p.offer(c)
	case "withdraw":
		defer p.connection.Flush()
		return p.services[c.ID].Stop()
	case "create":
		config := jetstream.KeyValueConfig{Bucket: c.Bucket, TTL: milliseconds(c.TTL), LimitMarkerTTL: milliseconds(c.Markers)}
		_, err := p.js.CreateKeyValue(ctx, config)
		return err
	}
	kv, err := p.js.KeyValue(ctx, c.Bucket)
	if err != nil {
		return err
	}
	switch c.Do {
	case "put":
		if c.TTL > 0 {
			_, err = kv.Create(ctx, c.Key, []byte(c.Value), jetstream.KeyTTL(milliseconds(c.TTL)))
		} else {
			_, err = kv.Put(ctx, c.Key, []byte(c.Value))
		}
	case "delete":
		err = kv.Delete(ctx, c.Key)
	case "purge":
		err = kv.Purge(ctx, c.Key)
	default:
		err = fmt.Errorf("unknown command %q", c.Do)
	}
	return err
}

func (p *peer) offer(c command) error {
	service, err := micro.AddService(p.connection, micro.Config{Name: c.Name, Version: "1.2.3", Metadata: c.Metadata})
	if err != nil {
		return err
	}
	p.services[c.ID] = service
	handler := micro.HandlerFunc(func(micro.Request) {})
	if err := service.AddEndpoint("http", handler, micro.WithEndpointMetadata(c.Endpoint)); err != nil {
		return err
	}
	return p.connection.Flush()
}

func milliseconds(count int) time.Duration { return time.Duration(count) * time.Millisecond }

// Command handshakes opens TLS 1.3 connections one after another on each of several workers: a handshake, one request, the end of
// its answer. It prints how many were complete, as JSON.
package main

import (
	"crypto/tls"
	"encoding/json"
	"flag"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// A cache of one session, which is offered again and again: servers without early data do not mind.
type lastSession struct{ session *tls.ClientSessionState }

func (c *lastSession) Get(string) (*tls.ClientSessionState, bool) { return c.session, c.session != nil }

func (c *lastSession) Put(_ string, session *tls.ClientSessionState) {
	if c.session == nil {
		c.session = session
	}
}

type counts struct {
	Connections int     `json:"connections"`
	Failed      int     `json:"failed"`
	Seconds     float64 `json:"seconds"`
}

// Lives one connection. False when it failed, or was not resumed although that was wanted.
func connect(address string, config *tls.Config, request string, resumed bool) bool {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	connection := tls.Client(socket, config)
	defer connection.Close()
	if _, err := io.WriteString(connection, request); err != nil {
		return false
	}
	answer, err := io.ReadAll(connection)
	return err == nil && strings.HasPrefix(string(answer), "HTTP/1.1 200") && connection.ConnectionState().DidResume == resumed
}

func work(address, request string, resume bool, until time.Time) (result counts) {
	config := &tls.Config{
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"http/1.1"},
		// One that every peer knows: OpenSSL 3.5, as Node has it, would agree to a costlier one with ML-KEM, OpenSSL 3.0 has none.
		CurvePreferences: []tls.CurveID{tls.X25519},
	}
	if resume {
		config.ClientSessionCache = &lastSession{}
		if !connect(address, config, request, false) {
			return counts{Failed: 1}
		}
	}
	for time.Now().Before(until) {
		if connect(address, config, request, resume) {
			result.Connections++
		} else {
			result.Failed++
		}
	}
	return result
}

func main() {
	address := flag.String("address", "", "host and port")
	path := flag.String("path", "/", "path and query of the request")
	workers := flag.Int("workers", 8, "connections at a time")
	seconds := flag.Float64("seconds", 1, "how long")
	resume := flag.Bool("resume", false, "resume a session instead of full handshakes")
	flag.Parse()
	request := "GET " + *path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
	begun := time.Now()
	until := begun.Add(time.Duration(*seconds * float64(time.Second)))
	total := counts{}
	var lock sync.Mutex
	var group sync.WaitGroup
	for range *workers {
		group.Go(func() {
			result := work(*address, request, *resume, until)
			lock.Lock()
			defer lock.Unlock()
			total.Connections += result.Connections
			total.Failed += result.Failed
		})
	}
	group.Wait()
	total.Seconds = time.Since(begun).Seconds()
	json.NewEncoder(os.Stdout).Encode(total)
}

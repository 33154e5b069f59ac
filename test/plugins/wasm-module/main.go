// A proxy-wasm module for tests, with the SDK for Go: the path of a request says what it does.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetVMContext(&vm{}) }

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

// One plugin, with its configuration and its metrics.
type plugin struct {
	types.DefaultPluginContext
	config   string
	ticks    int
	queued   string
	queue    uint32
	requests proxywasm.MetricCounter
	sizes    proxywasm.MetricHistogram
	open     proxywasm.MetricGauge
	paused   []uint32
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	config, err := proxywasm.GetPluginConfiguration()
	if err == nil {
		p.config = string(config)
	}
	if strings.Contains(p.config, "refuse") {
		return types.OnPluginStartStatusFailed
	}
	p.requests = proxywasm.DefineCounterMetric("go.requests")
	p.sizes = proxywasm.DefineHistogramMetric("go.sizes")
	p.open = proxywasm.DefineGaugeMetric("go.open")
	p.queue, _ = proxywasm.RegisterSharedQueue("items")
	if err := proxywasm.SetTickPeriodMilliSeconds(10); err != nil {
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) OnTick() {
	p.ticks++
	for _, id := range p.paused {
		if err := proxywasm.SetEffectiveContext(id); err == nil {
			_ = proxywasm.AddHttpRequestHeader("x-ticked", "yes")
			_ = proxywasm.ResumeHttpRequest()
		}
	}
	p.paused = nil
}

func (p *plugin) OnQueueReady(queue uint32) {
	if item, err := proxywasm.DequeueSharedQueue(queue); err == nil {
		p.queued += string(item)
	}
}

func (p *plugin) NewHttpContext(id uint32) types.HttpContext { return &exchange{id: id, plugin: p} }

type exchange struct {
	types.DefaultHttpContext
	id     uint32
	plugin *plugin
	path   string
}

var hog [][]byte

func (e *exchange) OnHttpRequestHeaders(headers int, endOfStream bool) types.Action {
	e.path, _ = proxywasm.GetHttpRequestHeader(":path")
	e.plugin.requests.Increment(1)
	e.plugin.open.Add(1)
	switch strings.SplitN(e.path, "?", 2)[0] {
	case "/heads":
		_ = proxywasm.ReplaceHttpRequestHeader(":path", "/changed?by=go")
		_ = proxywasm.ReplaceHttpRequestHeader(":authority", "other.example")
		_ = proxywasm.RemoveHttpRequestHeader("x-agent")
		_ = proxywasm.AddHttpRequestHeader("x-config", e.plugin.config)
		_ = proxywasm.AddHttpRequestHeader("x-count", fmt.Sprint(headers, endOfStream))
	case "/local":
		_ = proxywasm.SendHttpResponse(418, [][2]string{{"X-Why", "tea"}}, []byte("short"), -1)
		return types.ActionPause
	case "/call":
		head := [][2]string{{":method", "POST"}, {":path", "/user?id=1"}, {":authority", "users.example"}, {"x-sub", "1"}}
		if _, err := proxywasm.DispatchHttpCall("users", head, []byte("who"), nil, 1000, e.called); err != nil {
			_ = proxywasm.SendHttpResponse(500, nil, []byte(err.Error()), -1)
		}
		return types.ActionPause
	case "/stranger":
		head := [][2]string{{":method", "GET"}, {":path", "/"}, {":authority", "x"}}
		_, err := proxywasm.DispatchHttpCall("others", head, nil, nil, 1000, e.called)
		_ = proxywasm.SendHttpResponse(200, nil, []byte(fmt.Sprint(err)), -1)
		return types.ActionPause
	case "/properties":
		_ = proxywasm.SendHttpResponse(200, nil, []byte(properties()), -1)
		return types.ActionPause
	case "/shared":
		_ = proxywasm.SendHttpResponse(200, nil, []byte(shared()), -1)
		return types.ActionPause
	case "/queue":
		_ = proxywasm.EnqueueSharedQueue(e.plugin.queue, []byte("item "))
	case "/state":
		_ = proxywasm.SendHttpResponse(200, nil, []byte(fmt.Sprintf("ticked %v queued %s", e.plugin.ticks > 0, e.plugin.queued)), -1)
		return types.ActionPause
	case "/tick":
		e.plugin.paused = append(e.plugin.paused, e.id)
		return types.ActionPause
	case "/pause":
		return types.ActionPause
	case "/log":
		proxywasm.LogWarnf("a line about %s", e.path)
		fmt.Println("a printed line")
	case "/panic":
		panic("on purpose")
	case "/loop":
		for {
		}
	case "/memory":
		for {
			hog = append(hog, bytes.Repeat([]byte{1}, 1<<20))
		}
	case "/malformed":
		_ = proxywasm.AddHttpRequestHeader("transfer-encoding", "chunked")
	case "/foreign":
		_, err := proxywasm.CallForeignFunction("compress", nil)
		_ = proxywasm.SendHttpResponse(200, nil, []byte(fmt.Sprint(err)), -1)
		return types.ActionPause
	}
	return types.ActionContinue
}

func (e *exchange) called(headers, size, trailers int) {
	body, _ := proxywasm.GetHttpCallResponseBody(0, size)
	list, _ := proxywasm.GetHttpCallResponseHeaders()
	status := "none"
	for _, pair := range list {
		if pair[0] == ":status" {
			status = pair[1]
		}
	}
	_ = proxywasm.AddHttpRequestHeader("x-user", status+" "+string(body))
	_ = proxywasm.ResumeHttpRequest()
}

func properties() string {
	var text strings.Builder
	for _, path := range [][]string{{"request", "method"}, {"request", "path"}, {"request", "host"}, {"source", "address"}, {"plugin_name"}, {"plugin_root_id"}, {"route_name"}, {"request", "headers", "x-agent"}} {
		value, err := proxywasm.GetProperty(path)
		fmt.Fprintf(&text, "%s=%s %v\n", strings.Join(path, "."), value, err)
	}
	port, _ := proxywasm.GetProperty([]string{"destination", "port"})
	fmt.Fprintf(&text, "port %v\n", binary.LittleEndian.Uint64(port) > 0)
	_, err := proxywasm.GetProperty([]string{"node", "id"})
	fmt.Fprintf(&text, "node %v\n", err)
	return text.String()
}

// Adds one to a number that all exchanges share.
func shared() string {
	value, cas, err := proxywasm.GetSharedData("count")
	if err != nil {
		value = []byte{0}
	}
	if err := proxywasm.SetSharedData("count", []byte{value[0] + 1}, cas); err != nil {
		return err.Error()
	}
	mismatch := proxywasm.SetSharedData("count", []byte{100}, cas+1000)
	return fmt.Sprint(value[0]+1, " ", mismatch)
}

// A body that ends with ! is held until its end.
func (e *exchange) OnHttpRequestBody(size int, endOfStream bool) types.Action {
	e.plugin.sizes.Record(uint64(size))
	switch e.path {
	case "/upper":
		body, _ := proxywasm.GetHttpRequestBody(0, size)
		_ = proxywasm.ReplaceHttpRequestBody(bytes.ToUpper(body))
	case "/whole":
		if !endOfStream {
			return types.ActionPause
		}
		body, _ := proxywasm.GetHttpRequestBody(0, size)
		_ = proxywasm.ReplaceHttpRequestBody([]byte(fmt.Sprintf("%d bytes", len(body))))
		_ = proxywasm.AppendHttpRequestBody([]byte("."))
		_ = proxywasm.PrependHttpRequestBody([]byte("it had "))
		_ = proxywasm.AddHttpRequestHeader("x-body", "seen")
	case "/refuse":
		_ = proxywasm.SendHttpResponse(422, nil, []byte("refused"), -1)
		return types.ActionPause
	}
	return types.ActionContinue
}

func (e *exchange) OnHttpRequestTrailers(int) types.Action {
	_ = proxywasm.AddHttpRequestTrailer("x-trailer", "more")
	return types.ActionContinue
}

func (e *exchange) OnHttpResponseHeaders(int, bool) types.Action {
	if e.path == "/replace" {
		_ = proxywasm.SendHttpResponse(503, [][2]string{{"x-from", "module"}}, []byte("another answer"), -1)
		return types.ActionPause
	}
	code, _ := proxywasm.GetProperty([]string{"response", "code"})
	status := "none"
	if len(code) == 8 {
		status = fmt.Sprint(binary.LittleEndian.Uint64(code))
	}
	_ = proxywasm.ReplaceHttpResponseHeader("x-code", status)
	_ = proxywasm.RemoveHttpResponseHeader("x-frame-options")
	return types.ActionContinue
}

func (e *exchange) OnHttpResponseBody(size int, endOfStream bool) types.Action {
	body, _ := proxywasm.GetHttpResponseBody(0, size)
	_ = proxywasm.ReplaceHttpResponseBody(bytes.ToUpper(body))
	return types.ActionContinue
}

func (e *exchange) OnHttpStreamDone() {
	e.plugin.open.Add(-1)
	if e.path == "/log" {
		duration, _ := proxywasm.GetProperty([]string{"request", "duration"})
		proxywasm.LogInfof("done %v", len(duration) == 8)
	}
}

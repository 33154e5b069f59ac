// Package discover has the part of go-discover that Consul calls, without providers.
package discover

import (
	"errors"
	"log"
)

// Provider finds addresses in a cloud.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers is empty: tests run no agents in clouds.
var Providers = map[string]Provider{}

// Config is the configuration of a provider.
type Config map[string]string

// Discover finds nothing.
type Discover struct{}

// Option is without effect.
type Option func(*Discover) error

// New never fails.
func New(...Option) (*Discover, error) { return &Discover{}, nil }

// WithUserAgent is without effect.
func WithUserAgent(string) Option { return nil }

// WithProviders is without effect.
func WithProviders(map[string]Provider) Option { return nil }

// Parse always fails, so that Consul takes its argument as an address.
func Parse(string) (Config, error) { return nil, errors.New("no providers") }

// Addrs always fails.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errors.New("no providers") }

// Names is empty.
func (*Discover) Names() []string { return nil }

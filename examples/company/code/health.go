// Package health answers the two questions that the platform asks of every service.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Check looks at one thing that the service depends on. It must obey the deadline of ctx.
type Check func(ctx context.Context) error

// checkTimeout is the time all checks together may take; the platform gives up after two seconds.
const checkTimeout = 1500 * time.Millisecond

// graceAfterFailure keeps a service ready through short outages: only when a check has failed for this long without a
// break does the service say that it is not ready. Without it, one slow database takes away all instances at once.
const graceAfterFailure = 30 * time.Second

// Health keeps the checks of one service and since when each of them fails.
type Health struct {
	mu       sync.Mutex
	checks   map[string]Check
	failing  map[string]time.Time
	draining bool
	now      func() time.Time
}

// New makes a Health without checks: ready at once.
func New(now func() time.Time) *Health {
	return &Health{checks: map[string]Check{}, failing: map[string]time.Time{}, now: now}
}

// Register adds a check. It is called during start-up only.
func (h *Health) Register(name string, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = check
}

// Drain makes the service not ready for good, ahead of its end, so that no new requests come in.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// Live says that the process runs. It looks at nothing else: a restart does not repair a database.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNoContent)
}

// Ready runs all checks side by side and answers 200, or 503 with the names of those that fail for too long.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()

	h.mu.Lock()
	checks := make(map[string]Check, len(h.checks))
	for name, check := range h.checks {
		checks[name] = check
	}
	draining := h.draining
	h.mu.Unlock()

	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(checks))
	for name, check := range checks {
		go func() { results <- result{name, check(ctx)} }()
	}

	unready := []string{}
	if draining {
		unready = append(unready, "draining")
	}
	for range checks {
		res := <-results
		if h.failsTooLong(res.name, res.err) {
			unready = append(unready, res.name)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if len(unready) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"unready": unready})
}

func (h *Health) failsTooLong(name string, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	// A caller that went away says nothing about the thing that was checked.
	if err == nil || errors.Is(err, context.Canceled) {
		delete(h.failing, name)
		return false
	}
	since, known := h.failing[name]
	if !known {
		h.failing[name] = h.now()
		return false
	}
	return h.now().Sub(since) >= graceAfterFailure
}

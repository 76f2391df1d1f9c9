// Package ratelimit holds callers to the rates of the API guidelines.
//
// Each token has a bucket of its own. The buckets live in the memory of one gateway instance, so a caller that is spread
// over three instances may reach three times its rate; this is accepted.
package ratelimit

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Rate is what one kind of caller may do.
type Rate struct {
	PerSecond float64
	Burst     float64
}

// Rates by the kind of caller, as its token names it.
var Rates = map[string]Rate{
	"game-client": {PerSecond: 5, Burst: 20},
	"service":     {PerSecond: 200, Burst: 400},
	"partner":     {PerSecond: 20, Burst: 40},
}

// idleAfter is the time after which a bucket is full again at any rate, and can be forgotten.
const idleAfter = 10 * time.Minute

// maxBuckets bounds the memory that callers with ever new tokens can take.
const maxBuckets = 200_000

type bucket struct {
	tokens  float64
	updated time.Time
}

// Limiter counts requests per token.
type Limiter struct {
	mu      sync.Mutex
	buckets map[string]*bucket
	now     func() time.Time
}

// New makes a limiter that reads the time from now.
func New(now func() time.Time) *Limiter {
	return &Limiter{buckets: make(map[string]*bucket), now: now}
}

// Allow takes one request from the caller's bucket. When the bucket is empty it says how long to wait.
func (l *Limiter) Allow(tokenID string, rate Rate) (ok bool, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()

	now := l.now()
	b, found := l.buckets[tokenID]
	if !found {
		if len(l.buckets) >= maxBuckets {
			l.sweep(now)
		}
		if len(l.buckets) >= maxBuckets {
			return false, time.Second
		}
		b = &bucket{tokens: rate.Burst, updated: now}
		l.buckets[tokenID] = b
	}
	b.tokens = math.Min(rate.Burst, b.tokens+now.Sub(b.updated).Seconds()*rate.PerSecond)
	b.updated = now
	if b.tokens < 1 {
		missing := (1 - b.tokens) / rate.PerSecond
		return false, time.Duration(missing * float64(time.Second))
	}
	b.tokens--
	return true, 0
}

// sweep forgets the buckets of callers that have been silent. The lock is held.
func (l *Limiter) sweep(now time.Time) {
	for id, b := range l.buckets {
		if now.Sub(b.updated) > idleAfter {
			delete(l.buckets, id)
		}
	}
}

// Middleware answers 429 with Retry-After, in whole seconds rounded up, to callers above their rate. A kind of caller that
// is not in Rates is held to the rate of a game client.
func (l *Limiter) Middleware(caller func(*http.Request) (tokenID, kind string), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, kind := caller(r)
		rate, known := Rates[kind]
		if !known {
			rate = Rates["game-client"]
		}
		if ok, wait := l.Allow(id, rate); !ok {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

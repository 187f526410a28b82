// alexliesenfeld/health with its defaults, which cache results for a second.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/alexliesenfeld/health"
)

var runs int64

func run(kind string, number int) func(context.Context) error {
	return func(ctx context.Context) error {
		if number > 0 {
			return nil
		}
		atomic.AddInt64(&runs, 1)
		switch kind {
		case "ready":
			return nil
		case "slow":
			time.Sleep(time.Second)
			return nil
		case "hung":
			select {}
		case "blocking":
			// A goroutine that sleeps holds no thread, so it computes.
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			}
			return nil
		case "panicking":
			panic("the check panics")
		}
		return errors.New("no such kind")
	}
}

func main() {
	checks, err := strconv.Atoi(os.Getenv("PEER_CHECKS"))
	if err != nil {
		panic(err)
	}
	kind := os.Getenv("PEER_KIND")
	options := []health.CheckerOption{health.WithTimeout(2 * time.Second)}
	for number := 0; number < checks; number++ {
		options = append(options, health.WithCheck(health.Check{
			Name:  fmt.Sprintf("check-%05d", number),
			Check: run(kind, number),
		}))
	}
	http.Handle("/health", health.NewHandler(health.NewChecker(options...)))
	http.HandleFunc("/static", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"status":"healthy"}`)
	})
	http.HandleFunc("/runs", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, atomic.LoadInt64(&runs))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(http.Serve(listener, nil))
}

// Go's crypto/tls: a Config with nothing but the roots and the name.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"time"
)

const (
	deadline       = 5 * time.Second
	maxAnswerBytes = 64 * 1024
)

// patientConn gives every read and write a deadline of its own, and all of them the one in until.
type patientConn struct {
	net.Conn
	until time.Time
}

func (c *patientConn) next() time.Time {
	soon := time.Now().Add(deadline)
	if !c.until.IsZero() && c.until.Before(soon) {
		return c.until
	}
	return soon
}

func (c *patientConn) Read(to []byte) (int, error) {
	c.SetReadDeadline(c.next())
	return c.Conn.Read(to)
}

func (c *patientConn) Write(from []byte) (int, error) {
	c.SetWriteDeadline(c.next())
	return c.Conn.Write(from)
}

func connect(port, name, rootsPath string) error {
	pem, err := os.ReadFile(rootsPath)
	if err != nil {
		return fmt.Errorf("roots: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("roots: no certificate in them")
	}
	plain, err := net.DialTimeout("tcp", "127.0.0.1:"+port, deadline)
	if err != nil {
		return err
	}
	defer plain.Close()
	patient := &patientConn{Conn: plain}
	client := tls.Client(patient, &tls.Config{RootCAs: roots, ServerName: name})
	if err := client.Handshake(); err != nil {
		return err
	}
	patient.until = time.Now().Add(deadline)
	if _, err := io.WriteString(client, "GET / HTTP/1.0\r\n\r\n"); err == nil {
		io.Copy(io.Discard, io.LimitReader(client, maxAnswerBytes))
	}
	client.Close()
	return nil
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, text)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(strings.TrimPrefix(runtime.Version(), "go"))
		return
	}
	cases := bufio.NewScanner(os.Stdin)
	for cases.Scan() {
		fields := strings.Split(cases.Text(), "\t")
		if len(fields) != 3 {
			fmt.Fprintln(os.Stderr, "a case is a line of port, name and roots, separated by tabs")
			os.Exit(2)
		}
		if err := connect(fields[0], fields[1], fields[2]); err != nil {
			fmt.Printf("refused\t%s\n", oneLine(err.Error()))
		} else {
			fmt.Println("accepted")
		}
	}
}

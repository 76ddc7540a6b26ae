package codec

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/tenon-ml/tenon/component"
)

// columnReader yields the values of one column chunk. A value is valid until the next call.
type columnReader struct {
	pages  parquet.Pages
	page   parquet.Page
	values parquet.ValueReader
	buf    []parquet.Value
	rest   []parquet.Value
	done   bool // the page has no more values to read
}

func (c *columnReader) reset(chunk parquet.ColumnChunk) {
	c.close()
	if c.buf == nil {
		c.buf = make([]parquet.Value, 512)
	}
	c.pages = chunk.Pages()
}

func (c *columnReader) next() (parquet.Value, error) {
	for len(c.rest) == 0 {
		if err := c.fill(); err != nil {
			return parquet.Value{}, err
		}
	}
	v := c.rest[0]
	c.rest = c.rest[1:]
	return v, nil
}

func (c *columnReader) fill() error {
	if c.page == nil || c.done {
		parquet.Release(c.page)
		page, err := c.pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return component.Errorf(component.Corrupt, "the column ends before the others")
		}
		if err != nil {
			c.page = nil
			return component.Errorf(component.Corrupt, "read page: %w", err)
		}
		c.page, c.values, c.done = page, page.Values(), false
	}
	n, err := c.values.ReadValues(c.buf)
	c.rest = c.buf[:n]
	if errors.Is(err, io.EOF) || err == nil && n == 0 {
		c.done = true
		return nil
	}
	if err != nil {
		return component.Errorf(component.Corrupt, "read values: %w", err)
	}
	return nil
}

func (c *columnReader) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		_ = c.pages.Close()
	}
	*c = columnReader{buf: c.buf}
}

-- 0042: gift codes expire.
--
-- Owner: commerce squad. Cluster: commerce-main. Runs before release of the service that reads `expires_at`.
-- Going back is not needed: the column may stay empty, and the release before this one does not look at it.

-- Nobody waits longer than this for us; the stage tries again by itself.
SET lock_timeout = '2s';
SET statement_timeout = '10min';

-- No default and no NOT NULL, so that the table is not rewritten.
ALTER TABLE gift_codes ADD COLUMN IF NOT EXISTS expires_at timestamptz;

-- Codes that were sold before this migration live for three years, new ones for one.
-- The rows are filled in batches, each in a transaction of its own, outside of a transaction block.
CREATE OR REPLACE PROCEDURE fill_gift_code_expiry(batch_size integer DEFAULT 5000)
LANGUAGE plpgsql
AS $$
DECLARE
    filled integer;
BEGIN
    LOOP
        WITH batch AS (
            SELECT id
            FROM gift_codes
            WHERE expires_at IS NULL
              AND redeemed_at IS NULL
            ORDER BY id
            LIMIT batch_size
            FOR UPDATE SKIP LOCKED
        )
        UPDATE gift_codes AS code
        SET expires_at = code.created_at + interval '3 years'
        FROM batch
        WHERE code.id = batch.id;

        GET DIAGNOSTICS filled = ROW_COUNT;
        -- A code that is being redeemed right now is passed over; it needs no date any more.
        EXIT WHEN filled = 0;
        COMMIT;
        -- Leaves the replicas time to follow.
        PERFORM pg_sleep(0.2);
    END LOOP;
END;
$$;

-- The filling takes as long as it takes; each batch is short.
SET statement_timeout = 0;
CALL fill_gift_code_expiry();

DROP PROCEDURE fill_gift_code_expiry(integer);

-- The nightly job looks for codes that expire within 30 days and are not redeemed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS gift_codes_expiring
    ON gift_codes (expires_at)
    WHERE redeemed_at IS NULL;

-- Checked at once for new rows, for old ones later: the scan takes no lock that stops writers.
ALTER TABLE gift_codes
    ADD CONSTRAINT gift_codes_expiry_after_creation
    CHECK (expires_at IS NULL OR expires_at > created_at) NOT VALID;

ALTER TABLE gift_codes VALIDATE CONSTRAINT gift_codes_expiry_after_creation;
